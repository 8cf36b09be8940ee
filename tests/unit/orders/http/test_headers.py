"""Reading the headers of an order request."""

import pytest

from orders.http.headers import is_json, read_idempotency_key, read_wait
from orders.http.problems import Refused


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b"abc", "abc"),
        (b"  abc ", "abc"),
        (b'"abc"', "abc"),
        (rb'"a\"b\\c"', 'a"b\\c'),
        (b"!~", "!~"),
        (b'a"b', 'a"b'),
        (b"k" * 255, "k" * 255),
        (b'"' + b"k" * 255 + b'"', "k" * 255),
    ],
)
def test_a_key_is_read_bare_or_quoted(value: bytes, key: str) -> None:
    assert read_idempotency_key([value]) == key


@pytest.mark.parametrize("value", [b'"a', b'"a"b', rb'"a\b"', b'"' + b"k" * 256 + b'"', b"a,\x00"])
def test_a_key_that_is_neither_is_refused(value: bytes) -> None:
    with pytest.raises(Refused, match="visible ASCII"):
        read_idempotency_key([value])


def test_two_keys_are_refused() -> None:
    with pytest.raises(Refused, match="once"):
        read_idempotency_key([b"a", b"a"])


@pytest.mark.parametrize(
    ("values", "seconds"),
    [
        ([b"wait=5"], 5),
        ([b"respond-async, wait=10"], 10),
        ([b"respond-async; x=1", b"Wait=7"], 7),
        ([b'wait="3"'], 3),
        ([b"wait=99999"], 30),
        ([b"wait=0"], 0),
        ([b"wait=-1"], 0),
        ([b"wait=5.5"], 0),
        ([b"await=5"], 0),
        ([b"wait"], 0),
        ([], 0),
    ],
)
def test_the_wait_preference_is_whole_seconds_up_to_30(values: list[bytes], seconds: int) -> None:
    assert read_wait(values) == seconds


@pytest.mark.parametrize(
    ("value", "yes"),
    [
        (b"application/json", True),
        (b"Application/JSON; charset=UTF-8", True),
        (b'application/json;charset="utf-8"', True),
        (b"application/json; charset=utf-16", False),
        (b"application/problem+json", False),
        (b"", False),
    ],
)
def test_json_is_recognised(value: bytes, yes: bool) -> None:
    assert is_json(value) is yes
