"""The sandbox's and the home page's own templates and assets."""

from payglot.web.pages import Pages

ASSETS_PATH = "/assets/"

_pages = Pages("payglot.sandbox", ASSETS_PATH)

page = _pages.page
render = _pages.render
asset = _pages.asset
