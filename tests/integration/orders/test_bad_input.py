"""Bad input gets the contract's problem and changes nothing."""

import json
from typing import Any

import pytest

from inventory import counters
from inventory.models import Sale
from orders.models import Order
from tests.conftest import MakeSale
from tests.persisting import backlog
from tests.placing import document, header, headers, place_raw

pytestmark = pytest.mark.django_db(transaction=True)

GOOD: dict[str, Any] = {
    "sale": "drop",
    "customer": "ada",
    "lines": [{"sku": "TEE", "quantity": 1}],
}


@pytest.fixture(autouse=True)
def sale(make_sale: MakeSale) -> Any:
    """The sale, which must be untouched when the test is over."""
    sale = make_sale("drop", {"TEE": 50, "CAP": 10})
    before = counters.snapshot(sale.pk, "drop")
    yield sale
    assert counters.snapshot(sale.pk, "drop") == before
    assert backlog(sale) == 0
    assert not Order.objects.exists()


def line(quantity: str) -> bytes:
    return b'{"sale":"drop","customer":"ada","lines":[{"sku":"TEE","quantity":%b}]}' % (
        quantity.encode()
    )


def with_metadata(text: str) -> bytes:
    return json.dumps(GOOD)[:-1].encode() + b', "metadata": ' + text.encode() + b"}"


NUL, SURROGATE = r"\u0000", r"\ud800"
INVALID = {
    "quantity true": (line("true"), "/lines/0/quantity"),
    "quantity a float": (line("1.0"), "/lines/0/quantity"),
    "quantity a fraction": (line("1.5"), "/lines/0/quantity"),
    "quantity a string": (line('"1"'), "/lines/0/quantity"),
    "quantity 0": (line("0"), "/lines/0/quantity"),
    "quantity -1": (line("-1"), "/lines/0/quantity"),
    "quantity 2^31": (line(str(2**31)), "/lines/0/quantity"),
    "quantity 2^63": (line(str(2**63)), "/lines/0/quantity"),
    "quantity 10^30": (line("1" + 30 * "0"), "/lines/0/quantity"),
    "quantity 1e400": (line("1e400"), "/lines/0/quantity"),
    "quantity null": (line("null"), "/lines/0/quantity"),
    "NUL in the sale": (json.dumps(GOOD | {"sale": "a\0"}).encode(), "/sale"),
    "NUL in the customer": (json.dumps(GOOD | {"customer": "a\0"}).encode(), "/customer"),
    "line feed in the customer": (json.dumps(GOOD | {"customer": "a\nb"}).encode(), "/customer"),
    "blank customer": (json.dumps(GOOD | {"customer": "  "}).encode(), "/customer"),
    "empty customer": (json.dumps(GOOD | {"customer": ""}).encode(), "/customer"),
    "long customer": (json.dumps(GOOD | {"customer": "a" * 129}).encode(), "/customer"),
    "no customer": (b'{"sale":"drop","lines":[{"sku":"TEE","quantity":1}]}', ""),
    "customer a number": (json.dumps(GOOD | {"customer": 7}).encode(), "/customer"),
    "NUL in a SKU": (
        json.dumps(GOOD | {"lines": [{"sku": "T\0", "quantity": 1}]}).encode(),
        "/lines/0/sku",
    ),
    "no lines": (json.dumps(GOOD | {"lines": []}).encode(), "/lines"),
    "21 lines": (
        json.dumps(GOOD | {"lines": [{"sku": f"S{n}", "quantity": 1} for n in range(21)]}).encode(),
        "/lines",
    ),
    "a SKU twice": (json.dumps(GOOD | {"lines": GOOD["lines"] * 2}).encode(), "/lines/1/sku"),
    "an unknown field": (json.dumps(GOOD | {"emial": "a@b.example"}).encode(), "/emial"),
    "an unknown field with signs": (json.dumps(GOOD | {"a/b~": 1}).encode(), "/a~1b~0"),
    "an unknown field of a line": (
        json.dumps(GOOD | {"lines": [GOOD["lines"][0] | {"price": 1}]}).encode(),
        "/lines/0/price",
    ),
    "header injection in the mail address": (
        json.dumps(GOOD | {"email": "a@b.example\r\nBcc: c@d.example"}).encode(),
        "/email",
    ),
    "a mail address that ends in a line feed": (
        json.dumps(GOOD | {"email": "a@b.example\n"}).encode(),
        "/email",
    ),
    "two mail addresses": (
        json.dumps(GOOD | {"email": "a@b.example,c@d.example"}).encode(),
        "/email",
    ),
    "a mail address beyond ASCII": (
        json.dumps(GOOD | {"email": "jörg@b.example"}).encode(),
        "/email",
    ),
    "two dots in a mail address": (json.dumps(GOOD | {"email": "a..b@x.y"}).encode(), "/email"),
    "an empty mail address": (json.dumps(GOOD | {"email": ""}).encode(), "/email"),
    "a mail address written backwards": (
        json.dumps(GOOD | {"email": "a\u202e@b.example"}).encode(),
        "/email",
    ),
    "no mail address": (json.dumps(GOOD | {"email": "ada"}).encode(), "/email"),
    "NUL in a metadata value": (with_metadata(f'{{"a": "{NUL}"}}'), "/metadata/a"),
    "NUL in a metadata key": (with_metadata(f'{{"{NUL}": 1}}'), "/metadata/\0"),
    "NUL deep in metadata": (with_metadata(f'{{"a": [{{"b": ["x{NUL}"]}}]}}'), "/metadata/a/0/b/0"),
    "NUL as deep as metadata goes": (
        with_metadata('{"a": ' + "[" * 15 + f'"{NUL}"' + "]" * 15 + "}"),
        "/metadata/a" + "/0" * 15,
    ),
    "metadata one level too deep": (
        with_metadata('{"a": ' + "[" * 16 + "]" * 16 + "}"),
        "/metadata/a" + "/0" * 15,
    ),
    "names with signs of their own in metadata": (
        with_metadata(f'{{"/": {{"~": {{"": {{"a~1/b": ["{NUL}"]}}}}}}}}'),
        "/metadata/~1/~0//a~01~1b/0",
    ),
    "a name twice in metadata": (with_metadata('{"a": [{"b": 1, "b": 1}]}'), "/metadata/a/0/b"),
    "a name twice, spelled in two ways": (with_metadata(r'{"a": 1, "\u0061": 2}'), "/metadata/a"),
    "a field twice": (
        b'{"sale":"drop","customer":"ada","customer":"bob","lines":[{"sku":"TEE","quantity":1}]}',
        "/customer",
    ),
    "a field twice, spelled in two ways": (
        b'{"sale":"drop","customer":":","lines":[{"sku":"TEE","quantity":1,"\\u0073ku":"TEE"}]}',
        "/lines/0/sku",
    ),
    "metadata nested 300 deep": (
        with_metadata('{"a": ' + "[" * 300 + "]" * 300 + "}"),
        "/metadata/a" + "/0" * 15,
    ),
    "metadata nested 7000 deep": (with_metadata('{"a": ' + "[" * 7000 + "]" * 7000 + "}"), ""),
    "a list nested 7000 deep for metadata": (with_metadata("[" * 7000 + "]" * 7000), ""),
    "metadata over 2 KiB": (with_metadata('{"a": "' + "x" * 2048 + '"}'), "/metadata"),
    "metadata over 2 KiB with its spaces": (with_metadata("{" + " " * 2048 + "}"), "/metadata"),
    "metadata a list": (with_metadata("[]"), "/metadata"),
    "the body a list": (b"[]", ""),
    "the body null": (b"null", ""),
}


@pytest.mark.parametrize("case", INVALID)
def test_an_invalid_field_is_named_by_its_json_pointer(case: str, api_key: str) -> None:
    body, pointer = INVALID[case]
    reply = place_raw(headers(api_key, "k-1"), body)
    problem = document(reply)
    assert (reply.status, problem["type"]) == (422, "/problems/invalid-request")
    assert header(reply, "Content-Type") == "application/problem+json"
    pointers = [error["pointer"] for error in problem["errors"]]
    assert pointer in pointers or (pointer == "" and pointers)
    assert all(error["detail"] for error in problem["errors"])


def test_every_wrong_field_is_named_at_once(api_key: str) -> None:
    body = {"sale": 7, "customer": "", "lines": [{"sku": "TEE", "quantity": 0}, {"sku": ""}]}
    problem = document(place_raw(headers(api_key, "k-1"), json.dumps(body).encode()))
    pointers = {error["pointer"] for error in problem["errors"]}
    assert pointers == {"/sale", "/customer", "/lines/0/quantity", "/lines/1", "/lines/1/sku"}


MALFORMED = {
    "empty": b"",
    "cut off": b'{"sale": "drop"',
    "NaN": line("NaN"),
    "Infinity": with_metadata('{"a": Infinity}'),
    "invalid UTF-8": b'{"sale":"drop","customer":"\xff","lines":[{"sku":"TEE","quantity":1}]}',
    "a lone surrogate in the customer": json.dumps(GOOD).replace("ada", SURROGATE).encode(),
    "a lone surrogate in a metadata key": with_metadata(f'{{"{SURROGATE}": 1}}'),
    "a lone surrogate in a metadata value": with_metadata(f'{{"a": "{SURROGATE}"}}'),
    "a raw NUL": json.dumps(GOOD).encode().replace(b"ada", b"a\0"),
    "a byte order mark": b"\xef\xbb\xbf" + json.dumps(GOOD).encode(),
    "two documents": json.dumps(GOOD).encode() * 2,
}


@pytest.mark.parametrize("case", MALFORMED)
def test_what_is_not_json_is_malformed(case: str, api_key: str) -> None:
    reply = place_raw(headers(api_key, "k-1"), MALFORMED[case])
    assert (reply.status, document(reply)["type"]) == (400, "/problems/malformed-json")


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/x-www-form-urlencoded", "application/json; charset=latin-1"],
)
def test_another_media_type_is_415(content_type: str, api_key: str) -> None:
    given = [
        (name, content_type.encode() if name == b"content-type" else value)
        for name, value in headers(api_key, "k-1")
    ]
    reply = place_raw(given, json.dumps(GOOD).encode())
    assert (reply.status, document(reply)["type"]) == (415, "/problems/unsupported-media-type")


def test_a_body_over_16_kib_is_413(api_key: str) -> None:
    reply = place_raw(headers(api_key, "k-1"), b" " * 20_000)
    assert (reply.status, document(reply)["type"]) == (413, "/problems/body-too-large")


@pytest.mark.parametrize(
    ("key", "problem"),
    [
        (None, "idempotency-key-missing"),
        ("", "idempotency-key-missing"),
        ("a b", "idempotency-key-invalid"),
        ("é", "idempotency-key-invalid"),
        ("a" * 256, "idempotency-key-invalid"),
        ('"unclosed', "idempotency-key-invalid"),
        ('"a b"', "idempotency-key-invalid"),
        ('""', "idempotency-key-invalid"),
        ("a\tb", "idempotency-key-invalid"),
    ],
)
def test_a_bad_idempotency_key_is_400(key: str | None, problem: str, api_key: str) -> None:
    given = headers(api_key, key or "")
    if key is None:
        given = [pair for pair in given if pair[0] != b"idempotency-key"]
    reply = place_raw(given, json.dumps(GOOD).encode())
    assert (reply.status, document(reply)["type"]) == (400, f"/problems/{problem}")


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer ", "Basic abc", "Bearer wrong", "fso_x"]
)
def test_without_a_known_key_the_answer_is_401_before_anything_else(authorization: str) -> None:
    given = [
        pair for pair in headers("x", "k-1") if pair[0] not in (b"authorization", b"content-type")
    ]
    reply = place_raw([*given, (b"authorization", authorization.encode())], b"not json")
    assert (reply.status, document(reply)["type"]) == (401, "/problems/unauthenticated")
    assert header(reply, "WWW-Authenticate") == "Bearer"


def test_an_unknown_sale_and_an_unknown_sku_are_named(api_key: str, sale: Sale) -> None:
    for changes, kind in (
        ({"sale": "nope"}, "unknown-sale"),
        ({"lines": [{"sku": "TEE", "quantity": 1}, {"sku": "HAT", "quantity": 1}]}, "unknown-sku"),
    ):
        reply = place_raw(headers(api_key, "k-1"), json.dumps(GOOD | changes).encode())
        assert (reply.status, document(reply)["type"]) == (422, f"/problems/{kind}")
    assert document(reply)["errors"][0]["pointer"] == "/lines/1/sku"


def test_an_order_that_the_ledger_could_not_hold_is_refused(
    api_key: str, make_sale: MakeSale
) -> None:
    make_sale("dear", {"GEM": 1_000_000_000}, price="99999999")
    body = {"sale": "dear", "customer": "ada", "lines": [{"sku": "GEM", "quantity": 1_000_000_000}]}
    reply = place_raw(headers(api_key, "k-1"), json.dumps(body).encode())
    assert (reply.status, document(reply)["errors"][0]["pointer"]) == (422, "/lines")
