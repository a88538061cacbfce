"""The payer's language: which one, how it writes amounts, and that nothing is left in English."""

import ast
import re
from pathlib import Path

import pytest

from payglot import checkout, dialects
from payglot.checkout.wording import LANGUAGES, sentences, wording_for

CHECKOUT, DIALECTS = Path(checkout.__file__).parent, Path(dialects.__file__).parent
SHOWN = {"label", "hint", "submit", "heading", "group", "unpayable"}
"""Keywords of what a flow gives that the page shows as sentences."""
NAMES = {"Apple Pay", "PayPal", "iDEAL"}


@pytest.mark.parametrize(
    ("header", "language", "locale"),
    [
        ("", "en", "en"),
        ("de", "de", "de"),
        ("de-CH, en;q=0.5", "de", "de_CH"),
        ("ja, nl;q=0.3", "nl", "nl"),
        ("en;q=0.2, FR-ca;q=0.9", "fr", "fr_CA"),
        ("it;q=0, es", "es", "es"),
        ("de-XX-garbage", "de", "de"),
        ("*, \x00;q=9, ;;;", "en", "en"),
        ("de" * 5000, "en", "en"),
    ],
)
def test_the_first_language_that_we_have_is_spoken(header: str, language: str, locale: str) -> None:
    wording = wording_for(header)
    assert (wording.language, str(wording.locale), wording.direction) == (language, locale, "ltr")


@pytest.mark.parametrize(
    ("language", "text", "currency", "written"),
    [
        ("en", "1234.50", "EUR", "€1,234.50"),
        ("de", "1234.50", "EUR", "1.234,50\u00a0€"),
        ("fr", "0.10", "EUR", "0,10\u00a0€"),
        ("en", "500", "JPY", "¥500"),
        ("en", "29.99", "USDC", "29.99\u00a0USDC"),
        ("nl", "0.000001", "USDC", "0,000001\u00a0USDC"),
        ("en", "0.00012300", "BTC", "0.00012300\u00a0BTC"),
        ("en", "0.001", "EUR", "0.001\u00a0EUR"),
        ("en", "what", "EUR", "what\u00a0EUR"),
    ],
)
def test_an_amount_is_written_with_every_digit_it_has(language: str, text: str, currency: str, written: str) -> None:
    assert wording_for(language).amount(text, currency) == written


@pytest.mark.parametrize(
    ("language", "typed", "read"),
    [
        ("en", " 12.50 ", "12.50"),
        ("en", "12,50", "12,50"),
        ("de", "12,50", "12.50"),
        ("de", "12.50", "12.50"),
        ("de", "1.000", "1,000"),
        ("en", "1,000", "1,000"),
        ("fr", "1 000", "1 000"),
        ("de", "1.000,50", "1.000,50"),
    ],
)
def test_a_decimal_comma_is_read_but_thousands_are_never_guessed(language: str, typed: str, read: str) -> None:
    """What still has a comma or a blank afterwards, every flow refuses."""
    assert wording_for(language).typed_amount(typed) == read


def test_values_are_escaped_isolated_and_cannot_turn_the_text() -> None:
    wording = wording_for("de")
    assert str(wording.say("Pay {}", "<i>\u202eX{}")) == "Zahlung an <bdi>&lt;i&gt;X{}</bdi>"
    assert wording.plain("Pay {}", "A\u2066B") == "Zahlung an AB"
    assert str(wording.say("Confirm at <Bank> & Co")) == "Bei <bdi>&lt;Bank&gt; &amp; Co</bdi> bestätigen"


def test_a_merchants_words_are_shown_as_they_are() -> None:
    assert str(wording_for("fr").say("{} of {} arrived by ship")) == " of  arrived by ship"
    assert str(wording_for("fr").say("Gift wrap <3")) == "Gift wrap &lt;3"


@pytest.mark.parametrize("language", [language for language in LANGUAGES if language != "en"])
def test_every_sentence_of_the_pages_and_of_the_flows_is_translated(language: str) -> None:
    known = sentences(language)
    said = {
        text
        for text in _said_by_templates() | _said_by_flows() | _said_by_tables()
        if any(letter.isalpha() for letter in text)
    }
    assert {text for text in said if text not in known} - NAMES == set()
    assert all(text.count("{}") == translated.count("{}") for text, translated in known.items())
    assert known.keys() == sentences("de").keys()


def _said_by_templates() -> set[str]:
    html = "".join(file.read_text() for file in (CHECKOUT / "templates").iterdir())
    return {text for _, text in re.findall(r"""\b(?:say|plain)\((["'])(.+?)\1""", html)}


def _said_by_flows() -> set[str]:
    said = set()
    for file in (*DIALECTS.glob("*/checkout.py"), *DIALECTS.glob("*/form.py"), *DIALECTS.glob("*/claims.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.keyword) and node.arg in SHOWN and (text := _literal(node.value)):
                said.add(text)
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "ChoiceInvalid":
                said |= {text for k in node.keywords if k.arg == "reason" and (text := _literal(k.value))}
    return said


def _said_by_tables() -> set[str]:
    """Sentences in the checkout's own modules: they start with a capital or a blank, and have a space."""
    said = set()
    for name in ("states.py", "claimed.py", "claiming.py", "offers.py", "sandbox.py", "failures.py", "desk.py"):
        tree = ast.parse((CHECKOUT / name).read_text())
        documentation = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        for node in ast.walk(tree):
            text = node.value if isinstance(node, ast.Constant) and node not in documentation else None
            if isinstance(text, str) and re.match(r"(?:[A-Z]|\{\}).* ", text):
                said.add(text)
    return said


def _literal(node: ast.expr) -> str | None:
    """The text of a literal, `{}` where an f-string has a value."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=parts):
            return "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in parts)
        case _:
            return None
