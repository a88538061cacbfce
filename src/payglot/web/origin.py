"""Whether a form comes from a page of ours, as browsers mark requests."""

from urllib.parse import urlsplit

from starlette.requests import Request

from payglot.web.call import services_of
from payglot.web.refusals import Refused


class Forged(Refused):
    """The form does not come from a page of ours."""


def check(request: Request) -> None:
    """Raises Forged. Judges by Sec-Fetch-Site, else by Origin.

    Plain http beyond loopback has no Sec-Fetch-Site, and our `no-referrer` makes Origin `null` there; the form's proof
    must do then.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        if site not in ("same-origin", "none"):
            raise Forged
        return
    origin = request.headers.get("origin", "null")
    if origin == "null":
        return
    # Only compared: behind a forwarded port the page's own origin is not the configured one.
    ours = (request.headers.get("host"), urlsplit(services_of(request).public_url).netloc)
    if urlsplit(origin).netloc not in ours:
        raise Forged
