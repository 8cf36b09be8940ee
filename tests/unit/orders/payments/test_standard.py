"""Callbacks by Standard Webhooks: what is signed is read exactly, what is not is not looked at."""

import json
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pytest_django import Settings

from inventory.money import format_minor
from orders.domain import PaymentMessageType
from orders.http.decoding import NotJson, WrongFields
from orders.models import new_signing_secret
from orders.payments.adapters.standard import PROVIDER
from orders.payments.provider_message import (
    Ignored,
    NoOrder,
    PaymentMessage,
    SignatureRefused,
    Unacted,
)
from tests.signing import signed

ORDER = UUID("01a21ce0-6e7b-8000-801f-088f5e8e5825")  # the same in each process of the test run
DATA = {"order": str(ORDER), "amount": "12.00", "currency": "EUR", "reference": "pay-1"}
CURRENCIES = "EUR USD JPY ISK UGX BHD KWD MGA CLP HUF".split()


def callback(type_: str = "payment.succeeded", **changes: Any) -> bytes:
    return json.dumps({"type": type_, "data": DATA | changes}).encode()


def read(body: bytes, headers: dict[str, str] | None = None) -> PaymentMessage:
    news = PROVIDER.read(signed(body) if headers is None else headers, body, lambda _: None)
    assert isinstance(news, PaymentMessage)
    return news


def pointers(body: bytes) -> set[str]:
    with pytest.raises(WrongFields) as caught:
        read(body)
    return {error["pointer"] for error in caught.value.errors}


# --- What is said -------------------------------------------------------------------------------


@pytest.mark.parametrize("type_", PaymentMessageType)
def test_a_callback_is_read_whole(type_: PaymentMessageType) -> None:
    body = callback(f"payment.{type_}")
    assert read(body, signed(body, notice_id="msg-42")) == PaymentMessage(
        provider="standard",
        notice_id="msg-42",
        type=type_,
        order_id=ORDER,
        amount=1200,
        currency="EUR",
        reference="pay-1",
    )


@given(st.integers(0, 10**14), st.sampled_from(CURRENCIES))
def test_every_amount_arrives_as_it_was_sent(minor: int, currency: str) -> None:
    body = callback(amount=format_minor(minor, currency), currency=currency)
    assert (read(body).amount, read(body).currency) == (minor, currency)


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [("12", "EUR", 1200), ("12.5", "EUR", 1250), ("1200", "JPY", 1200), ("0", "EUR", 0)],
)
def test_places_that_are_not_written_are_zeros(amount: str, currency: str, minor: int) -> None:
    assert read(callback(amount=amount, currency=currency)).amount == minor


def test_fields_that_are_not_known_are_ignored() -> None:
    body = json.dumps(
        {"type": "payment.failed", "data": DATA | {"why": ["?"]}, "v": {"a/b~": 1}}
    ).encode()
    assert read(body).type is PaymentMessageType.FAILED


@pytest.mark.parametrize("order", ["", "42", "a\0b", f"{{{ORDER}}}", ORDER.hex, "ü" * 5000])
def test_what_is_no_order_id_names_no_order(order: str) -> None:
    with pytest.raises(NoOrder) as caught:
        read(callback(order=order))
    assert len(str(caught.value)) < 100


def test_whether_an_id_is_an_orders_is_for_the_ledger_to_say() -> None:
    order = "6F9619FF-8B86-4D01-B42D-00CF4FC964FF"
    assert read(callback(order=order)).order_id == UUID(order)


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        *(
            ("/data/amount", amount)
            for amount in (
                *("", "-1", "+1", "1e3", "NaN", "Infinity", "12,00", "12.", ".5", " 12", "12.00\n"),
                *("012", "1_000", "١٢", "12.00000", "1" * 16, "12.345", 12, 12.0, None),
            )
        ),
        *(("/data/currency", code) for code in ("", "eur", "EU", "EURO", "EUR\n", "ÉUR", 978)),
        *(("/data/reference", name) for name in ("", "x" * 256, "a\0", "a\nb", "\x85", None)),
        *(("/data/order", order) for order in (None, 42, [], {})),
    ],
)
def test_a_wrong_field_is_named(pointer: str, value: Any) -> None:
    assert pointers(callback(**{pointer.rpartition("/")[2]: value})) == {pointer}


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0.5", "JPY"),
        ("1200.0", "JPY"),
        ("0.001", "EUR"),
        ("5.000", "EUR"),
        ("12.5000", "EUR"),
        ("0.0001", "BHD"),
        ("1.5000", "BHD"),
    ],
)
def test_an_amount_has_no_more_places_than_its_currency(amount: str, currency: str) -> None:
    assert pointers(callback(amount=amount, currency=currency)) == {"/data/amount"}


def test_all_wrong_fields_are_named_at_once() -> None:
    body = callback(amount="free", currency="euro", reference="")
    assert pointers(body) == {"/data/amount", "/data/currency", "/data/reference"}
    assert pointers(callback(amount="0.001", reference="a\0")) == {
        "/data/amount",
        "/data/reference",
    }
    assert pointers(b"{}") == {""}
    assert pointers(b"[]") == {""}
    assert pointers(b'{"data": ' + b"[" * 30_000 + b"]" * 30_000 + b"}") == {""}


@pytest.mark.parametrize(
    ("old", "new", "pointer"),
    [
        (b'"type": ', b'"type": "payment.refunded", "type": ', "/type"),
        (b'"type": ', b'"type": "something.else", "\\u0074ype": ', "/type"),
        (b'"data": ', b'"data": {}, "data": ', "/data"),
        (b'"amount": ', b'"amount": "1.00", "amount": ', "/data/amount"),
        (b'"data": ', b'"more": [{"a": 1, "a": 1}], "data": ', "/more/0/a"),
        (b'"payment.succeeded"', b'"something.else", "more": {"": 1, "": 2}', "/more/"),
    ],
)
def test_a_name_that_is_given_twice_is_refused(old: bytes, new: bytes, pointer: str) -> None:
    body = callback().replace(old, new)
    assert body != callback()
    assert pointers(body) == {pointer}


def test_numbers_and_depths_that_nobody_reads_are_no_fault_of_ours() -> None:
    assert read(callback()[:-1] + b', "n": ' + b"9" * 5000 + b"}").amount == 1200
    for nested in (b"[" * 30_000 + b"]" * 30_000, b'{"a":' * 9_000 + b"1" + b"}" * 9_000):
        with pytest.raises(WrongFields, match="nested too deep"):
            read(callback("something.else")[:-1] + b', "n": ' + nested + b"}")


@pytest.mark.parametrize("body", [b"", b"{", b"payment=ok", b'{"type": "\\ud800"}', b"{}}"])
def test_what_is_signed_but_no_json_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotJson):
        read(body)


# --- What is signed -----------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [295, -295])
def test_a_message_may_be_almost_five_minutes_off(seconds: int) -> None:
    body = callback()
    assert read(body, signed(body, age=timedelta(seconds=seconds))).order_id == ORDER


@pytest.mark.parametrize(("seconds", "said"), [(305, "too old"), (-305, "too new")])
def test_a_message_that_is_more_than_five_minutes_off_is_refused(seconds: int, said: str) -> None:
    body = callback()
    with pytest.raises(SignatureRefused, match=said):
        read(body, signed(body, age=timedelta(seconds=seconds)))


@pytest.mark.parametrize("field", ["amount", "order", "currency", "reference"])
def test_a_changed_body_is_refused(field: str) -> None:
    headers = signed(callback())
    last = "8" if DATA[field].endswith("9") else "9"
    changed = callback(**{field: DATA[field][:-1] + last})
    with pytest.raises(SignatureRefused, match="No matching signature"):
        read(changed, headers)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_a_changed_header_is_refused(name: str) -> None:
    headers = signed(callback(), age=timedelta(seconds=10))
    last = headers[name][-1]
    headers[name] = headers[name][:-1] + ("7" if last == "8" else "8")
    with pytest.raises(SignatureRefused, match="No matching signature"):
        read(callback(), headers)


def test_either_secret_is_good_while_one_replaces_the_other(settings: Settings) -> None:
    old, new = settings.PAYMENT_WEBHOOK_SECRETS = [new_signing_secret(), new_signing_secret()]
    body = callback()
    for secret in (old, new):
        assert read(body, signed(body, secret=secret)).order_id == ORDER
    with pytest.raises(SignatureRefused):
        read(body, signed(body, secret=new_signing_secret()))
    settings.PAYMENT_WEBHOOK_SECRETS = [new]
    with pytest.raises(SignatureRefused):
        read(body, signed(body, secret=old))


def test_one_good_signature_among_several_is_enough() -> None:
    body = callback()
    headers = signed(body)
    foreign = signed(body, secret=new_signing_secret())["webhook-signature"]
    headers["webhook-signature"] = f"v1a,abcd {foreign} {headers['webhook-signature']}"
    assert read(body, headers).order_id == ORDER


def test_without_a_secret_nothing_is_believed(settings: Settings) -> None:
    headers = signed(callback())
    settings.PAYMENT_WEBHOOK_SECRETS = []
    with pytest.raises(SignatureRefused, match="No secret"):
        read(callback(), headers)


def test_a_secret_that_is_none_is_a_fault_of_ours_and_not_of_the_sender(
    settings: Settings,
) -> None:
    headers = signed(callback())
    settings.PAYMENT_WEBHOOK_SECRETS = ["whsec_abcde"]
    with pytest.raises(ValueError, match="base64"):
        read(callback(), headers)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("webhook-id", given) for given in ("", "x" * 256, "a\0b", "a b", "ü", "a\n")),
        *(("webhook-timestamp", given) for given in ("", "now", "nan", "inf", "9" * 400, "-1")),
        *(
            ("webhook-signature", given)
            for given in ("", "v1", "v1,", "v1,ü", "v1,a", "v1,===", ",", "v1,YQ==,YQ==", "v2,YQ==")
        ),
    ],
)
def test_malformed_headers_are_refused_even_if_they_are_signed(name: str, value: str) -> None:
    body = callback()
    headers = signed(body, notice_id=value) if name == "webhook-id" else signed(body)
    headers[name] = value
    with pytest.raises(SignatureRefused):
        read(body, headers)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_refused(name: str) -> None:
    headers = signed(callback())
    del headers[name]
    with pytest.raises(SignatureRefused):
        read(callback(), headers)


@given(
    st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]),
        st.text(st.characters(max_codepoint=0xFF)) | st.just("v1,YQ==") | st.just("msg-1"),
    ),
    st.binary() | st.just(callback()),
)
@example({**signed(b"x"), "webhook-signature": "v1,YQ=="}, b"\xff")
def test_whatever_is_not_signed_is_refused_and_nothing_else(
    headers: dict[str, str], body: bytes
) -> None:
    with pytest.raises(SignatureRefused):
        read(body, headers)


@given(
    st.text().map(str.encode)
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text() | st.integers(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["type", "data"]), inner),
    ).map(lambda document: json.dumps(document).encode())
    | st.fixed_dictionaries(
        {name: st.text(max_size=4) | st.just(value) for name, value in DATA.items()}
    ).map(lambda data: callback(**data))
)
def test_whatever_is_signed_is_read_or_refused_by_name(body: bytes) -> None:
    try:
        news = PROVIDER.read(signed(body), body, lambda _: None)
    except (NotJson, WrongFields, NoOrder):
        return
    if not isinstance(news, PaymentMessage):
        return
    assert news.amount >= 0
    assert len(news.currency) == 3
    assert 1 <= len(news.reference) <= 255


# --- What nothing follows from ------------------------------------------------------------------


@pytest.mark.parametrize(
    "type_",
    [
        "payment.disputed",
        "payment.dispute.created",
        "payment.chargeback",
        "payment.captured",
        "payment.partially_refunded",
        "chargeback.created",
        "dispute.opened",
        "refund.failed",
        "charge.reversed",
        "Payment.Succeeded",
    ],
)
def test_what_concerns_money_is_kept_as_it_came(type_: str) -> None:
    body = callback(type_, amount="free")
    kept = PROVIDER.read(signed(body, notice_id="msg-9"), body, lambda _: None)
    assert isinstance(kept, Unacted)
    assert (kept.notice_id, kept.type, kept.order_id) == ("msg-9", type_, ORDER)
    assert kept.body == body


@pytest.mark.parametrize("order", [None, 42, "no-order", {}])
def test_a_dispute_need_not_name_an_order_of_ours(order: object) -> None:
    for body in (
        callback("payment.disputed", order=order),
        json.dumps({"type": "payment.disputed", "data": order}).encode(),
        b'{"type": "payment.disputed"}',
    ):
        kept = PROVIDER.read(signed(body), body, lambda _: None)
        assert isinstance(kept, Unacted)
        assert kept.order_id is None


@pytest.mark.parametrize(
    "type_", ["customer.updated", "payment.created", "payment.pending", "invoice.sent", "ping"]
)
def test_what_moves_no_money_is_ignored(type_: str) -> None:
    body = json.dumps({"type": type_, "data": ["anything"]}).encode()
    assert isinstance(PROVIDER.read(signed(body), body, lambda _: None), Ignored)


def test_the_same_message_is_known_however_it_is_written() -> None:
    one, other = callback(), json.dumps(json.loads(callback()), indent=2, sort_keys=True).encode()
    assert read(one).digest == read(other).digest
    assert read(one).digest != read(callback(amount="12.01")).digest
    assert read(one).digest != read(callback(note="what we do not read counts, too")).digest


@pytest.mark.parametrize("note", [b"1e999", b"9" * 400, b"[" * 5000 + b"]" * 5000, b'"\\ud800"'])
@pytest.mark.parametrize("type_", ["payment.succeeded", "payment.disputed"])
def test_what_is_not_read_may_be_anything(type_: str, note: bytes) -> None:
    body = callback(type_).replace(b'"reference"', b'"note": %b, "reference"' % note)
    with suppress(NotJson, WrongFields):
        PROVIDER.read(signed(body), body, lambda _: None)
