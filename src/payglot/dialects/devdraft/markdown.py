"""A merchant's Markdown as HTML that is safe on our page."""

import nh3
from markdown_it import MarkdownIt

_renderer = MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["strikethrough"])
_TAGS = {
    "p",
    "br",
    "strong",
    "em",
    "s",
    "ul",
    "ol",
    "li",
    "a",
    "code",
    "pre",
    "blockquote",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
}


def to_html(text: str) -> str:
    """CommonMark with raw HTML off; then only harmless tags, and links to http, https and mailto. Pictures are dropped:
    they would tell a third party who looks at the page."""
    rendered = _renderer.render(text).replace("<h1>", "<h3>").replace("</h1>", "</h3>")
    return nh3.clean(
        rendered.replace("<h2>", "<h3>").replace("</h2>", "</h3>"),
        tags=_TAGS,
        attributes={"a": {"href", "title"}},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )
