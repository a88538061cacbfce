"""JSON in: nothing that two parsers could read differently. JSON out: decimals to the last digit."""

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, strategies as st

from payglot.web import json as exact
from payglot.web.json import JsonRefused, JsonUnusable


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{", b'{"a":1}x', b"\xef\xbb\xbf{}", b"\xff", b"NaN", b"-Infinity", b"01", b"+1", b"'a'", b"{a:1}",
    ],
)  # fmt: skip
def test_what_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(JsonRefused) as refused:
        exact.loads(body)
    assert not isinstance(refused.value, JsonUnusable)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":1,"a":1}', b'{"a":{"b":1,"b":2}}', b'"\\u0000"', b'{"\\u0000":1}', b'"\\ud800"',
        b'["\\udfff\\ud800"]', b"[" * 33 + b"]" * 33, b"[" * 100_000, b"[" + b"1," * 1000 + b"1]", b"1" * 33,
        b"1." + b"1" * 32, b"1e99999", b"-1e-99999",
    ],
)  # fmt: skip
def test_what_parsers_disagree_on_and_what_is_too_much_is_told_apart_from_it(body: bytes) -> None:
    with pytest.raises(JsonUnusable):
        exact.loads(body)


def test_very_many_members_are_refused_before_they_are_read() -> None:
    many = b"[" + b",".join([b"[" + b",".join([b"1"] * 900) + b"]"] * 100) + b"]"
    began = time.process_time()
    with pytest.raises(JsonUnusable):
        exact.loads(many + b" " * 2**19)
    assert time.process_time() - began < 0.02


@pytest.mark.parametrize("text", ["," * 100_000, ',"' * 50_000, ',\\",' * 50_000, '\\"' * 20_001 + "," * 30_000])
def test_commas_of_a_text_are_not_counted(text: str) -> None:
    assert exact.loads(json.dumps({"text": text}).encode()) == {"text": text}


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"249.90", Decimal("249.90")),
        (b"0.1", Decimal("0.1")),
        (b"100", 100),
        (b"1e2", Decimal("1E+2")),
        (b"18446744073709551615", 2**64 - 1),
        (b"18446744073709551616", Decimal(2**64)),
        (b"-9223372036854775809", Decimal(-(2**63) - 1)),
        (b"[" * 32 + b"]" * 32, None),
        ('"é\\u00e9"'.encode(), "éé"),
        (b'"\\ud83d\\ude00"', "\U0001f600"),
    ],
)
def test_numbers_are_taken_by_their_literal(body: bytes, value: Any) -> None:
    read = exact.loads(body)
    if value is not None:
        assert (read, type(read)) == (value, type(value))


@given(st.integers(-(10**30), 10**30))
def test_an_integer_of_any_size_survives_the_round_trip(number: int) -> None:
    written = exact.dumps({"n": exact.loads(str(number).encode())})
    assert written == f'{{"n":{number}}}'.encode()


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**15), max_value=10**15, places=6))
def test_decimals_are_written_with_just_their_digits(number: Decimal) -> None:
    written = exact.dumps({"n": number})
    assert json.loads(written, parse_float=Decimal, parse_int=Decimal)["n"] == number
    assert b"E" not in written


texts = st.text(st.characters(exclude_categories=("Cs", "Cc")))
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
values = st.recursive(leaves, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


@given(values)
def test_any_plain_value_survives_the_round_trip(value: Any) -> None:
    assert exact.loads(exact.dumps(value)) == value
