"""Bodies that do not fit their shape: every wrong field is named, by its JSON Pointer."""

from typing import Annotated

import msgspec
import pytest

from orders.http.decoding import MAX_ERRORS, BodyReader, NotJson, WrongFields


class Line(msgspec.Struct):
    quantity: Annotated[int, msgspec.Meta(ge=1)]


class Parcel(msgspec.Struct):
    lines: list[Line]
    counts: dict[str, int] = {}


parcels = BodyReader(Parcel)


def pointers(body: bytes) -> list[str]:
    with pytest.raises(WrongFields) as caught:
        parcels.read(body)
    return [error["pointer"] for error in caught.value.errors]


def test_a_body_that_fits_is_read() -> None:
    assert parcels.read(b'{"lines": [{"quantity": 2}], "more": 1}') == Parcel([Line(2)])


def test_all_wrong_fields_are_named() -> None:
    body = b'{"lines": [{"quantity": 0}, {"quantity": 1}, {}], "counts": {"a": "b"}}'
    assert sorted(pointers(body)) == ["/counts/a", "/lines/0/quantity", "/lines/2"]


def test_a_pointer_escapes_what_has_a_meaning_in_it() -> None:
    body = b'{"lines": [], "counts": {"a/b~c": "d"}}'
    assert pointers(body) == ["/counts/a~1b~0c"]


def test_what_only_the_decoder_refuses_is_named_too() -> None:
    # To JSON Schema, 1.0 is an integer.
    assert pointers(b'{"lines": [{"quantity": 1.0}]}') == ["/lines/0/quantity"]


def test_what_is_wrong_everywhere_is_not_told_without_end() -> None:
    body = b'{"lines": [' + b"{}," * 1000 + b"{}]}"
    assert len(pointers(body)) == MAX_ERRORS


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b'{"lines": NaN}', b'{"lines": []}}'])
def test_what_is_not_json_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotJson):
        parcels.read(body)


def test_what_is_nested_too_deep_is_an_error_of_the_whole() -> None:
    assert pointers(b'{"lines": ' + b"[" * 50_000 + b"]" * 50_000 + b"}") == [""]
