"""A merchant's Markdown on our page."""

import pytest

from payglot.dialects.devdraft.markdown import to_html


@pytest.mark.parametrize(
    ("text", "forbidden"),
    [
        ("<script>alert(1)</script>", "<script"),
        ("<img src=x onerror=alert(1)>", "<img"),
        ("[x](javascript:alert(1))", 'href="javascript'),
        ("[x](data:text/html,1)", 'href="data'),
        ("![x](https://tracker.example/p.png)", "<img"),
        ('[x](https://a.example "t\\" onclick=x")', "onclick=x>"),
        ("<a href='https://x.example' target=_top>x</a>", "<a "),
        ("# Big", "<h1"),
        ("[x](JaVaScRiPt:alert(1))", "<a "),
        ("[x](java&#115;cript:alert(1))", "<a "),
        ("[x](java&Tab;script:alert(1))", 'href="javascript'),
        ("<javascript:alert(1)>", "<a "),
        ("[x][y]\n\n[y]: vbscript:msgbox(1)", "<a "),
        ('<svg/onload="alert(1)">', "<svg"),
        ("<p style='position:fixed'>x</p>", "<p style"),
        ("<!-- --><iframe src=//x.example></iframe>", "<iframe"),
        ("`<script>alert(1)</script>`", "<script"),
        ("    <script>alert(1)</script>", "<script"),
    ],
)
def test_markdown_can_do_no_harm(text: str, forbidden: str) -> None:
    assert forbidden not in to_html(text)


def test_markdown_is_rendered() -> None:
    html = to_html("**b** [x](https://shop.example) <mailto:a@b.example>\n\n- one\n\n~~gone~~")
    for part in (
        "<strong>b</strong>",
        '<a href="https://shop.example" rel="noopener noreferrer nofollow">x</a>',
        'href="mailto:a@b.example"',
        "<li>one</li>",
        "<s>gone</s>",
    ):
        assert part in html
