"""Stripe's events: each says what Stripe documents that it says, in our minor units."""

import json
import subprocess
import sys
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from orders.domain import PaymentMessageType, new_order_id
from orders.http.decoding import NotJson, WrongFields
from orders.payments.adapters.stripe import PROVIDER
from orders.payments.provider_message import (
    Ignored,
    NotConfigured,
    PaymentMessage,
    SignatureRefused,
)
from tests.signing import STRIPE_SECRET, signed_by_stripe

from .stripe_events import event, failed_intent, intent, refunded_charge, session

ORDER = UUID(bytes=new_order_id(7, 1_795_780_800_123))
NAMED = {"metadata": {"order": str(ORDER), "basket": "b-4711"}}
KNOWN = {"pi_known": ORDER}


@pytest.fixture(autouse=True)
def _secret(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRET = STRIPE_SECRET


def read(body: bytes, headers: dict[str, str] | None = None) -> PaymentMessage | Ignored:
    given = signed_by_stripe(body) if headers is None else headers
    return PROVIDER.read(given, body, KNOWN.get)


def news(
    type_: PaymentMessageType, *, amount: int = 2500, reference: str = "pi_1"
) -> PaymentMessage:
    return PaymentMessage("stripe", "evt_1", type_, ORDER, amount, "EUR", reference)


# --- What is said -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "type_"),
    [
        (session(**NAMED), PaymentMessageType.SUCCEEDED),
        (session(client_reference_id=str(ORDER)), PaymentMessageType.SUCCEEDED),
        (session("async_payment_succeeded", **NAMED), PaymentMessageType.SUCCEEDED),
        (
            session("async_payment_failed", payment_status="unpaid", **NAMED),
            PaymentMessageType.FAILED,
        ),
        (intent(**NAMED), PaymentMessageType.SUCCEEDED),
        (failed_intent(**NAMED), PaymentMessageType.FAILED),
        (refunded_charge(**NAMED), PaymentMessageType.REFUNDED),
    ],
)
def test_all_events_of_a_payment_name_its_intent(body: bytes, type_: PaymentMessageType) -> None:
    assert read(body) == news(type_)


def test_the_metadata_of_a_session_goes_before_its_reference() -> None:
    assert read(session(client_reference_id="basket-4711", **NAMED)) == news(
        PaymentMessageType.SUCCEEDED
    )


@pytest.mark.parametrize("status", ["unpaid", "no_payment_required"])
def test_a_session_that_is_not_paid_yet_says_nothing(status: str) -> None:
    assert read(session(payment_status=status, **NAMED)) == Ignored("evt_1")


def test_a_session_that_only_sets_up_a_way_to_pay_says_nothing() -> None:
    setup = {"mode": "setup", "payment_status": "no_payment_required", "payment_intent": None}
    body = session(**setup, amount_total=None, currency=None, **NAMED)
    assert read(body) == Ignored("evt_1")


def test_what_came_in_counts_not_what_was_asked_for() -> None:
    assert read(intent(amount_received=2000, **NAMED)) == news(
        PaymentMessageType.SUCCEEDED, amount=2000
    )


def test_a_partial_refund_says_how_much_has_gone_back() -> None:
    body = refunded_charge(amount_refunded=500, refunded=False, **NAMED)
    assert read(body) == news(PaymentMessageType.REFUNDED, amount=500)


def test_a_refund_finds_its_order_by_the_payment_if_only_the_session_named_it() -> None:
    refund = news(PaymentMessageType.REFUNDED, reference="pi_known")
    assert read(refunded_charge(payment_intent="pi_known")) == refund
    assert read(refunded_charge(payment_intent="pi_other")) == Ignored("evt_1")
    # The session's events say it already.
    assert read(intent(id="pi_known")) == Ignored("evt_1")


def test_without_an_intent_the_object_itself_names_the_payment() -> None:
    charge = read(refunded_charge(payment_intent=None, **NAMED))
    assert charge == news(PaymentMessageType.REFUNDED, reference="ch_1")
    paid = read(session(payment_intent=None, **NAMED))
    assert paid == news(PaymentMessageType.SUCCEEDED, reference="cs_test_1")


@pytest.mark.parametrize(
    "type_", ["customer.created", "charge.succeeded", "payment_intent.created"]
)
def test_other_events_are_ignored_whatever_is_in_them(type_: str) -> None:
    assert read(event(type_, {"id": 7, "surprise": [None]})) == Ignored("evt_1")


@pytest.mark.parametrize(
    "named", [{}, {"metadata": None}, {"metadata": {"order": "4711"}}, {"metadata": {"order": ""}}]
)
def test_payments_of_other_things_in_the_same_account_are_ignored(named: dict[str, Any]) -> None:
    for body in (session(**named), intent(**named), failed_intent(**named)):
        assert read(body) == Ignored("evt_1")
    assert read(refunded_charge(**named)) == Ignored("evt_1")


# --- Amounts ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theirs", "currency", "ours"),
    [
        (1099, "usd", 1099),
        (500, "jpy", 500),
        (500, "isk", 5),  # two-decimal at Stripe, none in ISO 4217
        (500, "ugx", 5),
        (500, "mga", 50000),  # none at Stripe, two in ISO 4217
        (1045, "huf", 1045),  # zero-decimal for payouts only
        (80045, "twd", 80045),
        *((5120, currency, 5120) for currency in ("bhd", "jod", "kwd", "omr", "tnd")),
        *(
            (7, currency, 7)
            for currency in "bif clp djf gnf jpy kmf krw pyg rwf vnd vuv xaf xof xpf".split()
        ),
    ],
)
def test_an_amount_becomes_ours(theirs: int, currency: str, ours: int) -> None:
    found = read(intent(amount_received=theirs, currency=currency, **NAMED))
    assert isinstance(found, PaymentMessage)
    assert (found.amount, found.currency) == (ours, currency.upper())


@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_a_fraction_that_a_currency_cannot_have_is_refused(currency: str) -> None:
    with pytest.raises(WrongFields) as caught:
        read(intent(amount_received=550, currency=currency, **NAMED))
    [error] = caught.value.errors
    assert error["pointer"] == "/data/object"


@given(st.integers(0, 10**12), st.sampled_from("eur jpy isk ugx mga kwd huf".split()))
def test_no_amount_is_ever_rounded(amount: int, currency: str) -> None:
    body = session(amount_total=amount, currency=currency, **NAMED)
    hundredths_of_ours = currency in ("isk", "ugx")
    if hundredths_of_ours and amount % 100:
        with pytest.raises(WrongFields):
            read(body)
        return
    found = read(body)
    assert isinstance(found, PaymentMessage)
    if hundredths_of_ours:
        assert found.amount * 100 == amount
    else:
        assert found.amount == amount * (100 if currency == "mga" else 1)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"amount_refunded": -1}, "/data/object/amount_refunded"),
        ({"amount_refunded": "2500"}, "/data/object/amount_refunded"),
        ({"amount_refunded": 10**13}, "/data/object/amount_refunded"),
        ({"currency": "EUR"}, "/data/object/currency"),
        ({"currency": None}, "/data/object/currency"),
        ({"id": "ch 1"}, "/data/object/id"),
        ({"payment_intent": "pi_\0"}, "/data/object/payment_intent"),
        ({"payment_intent": "p" * 256}, "/data/object/payment_intent"),
    ],
)
def test_a_wrong_field_is_named(changes: dict[str, Any], pointer: str) -> None:
    with pytest.raises(WrongFields) as caught:
        read(refunded_charge(**NAMED | changes))
    assert [error["pointer"] for error in caught.value.errors] == [pointer]


@pytest.mark.parametrize("body", [b"", b"{", b"id=evt_1"])
def test_what_is_signed_but_no_json_is_told_apart(body: bytes) -> None:
    with pytest.raises(NotJson):
        read(body)


# --- What is signed -----------------------------------------------------------------------------


def test_an_event_may_be_almost_five_minutes_old_and_no_more() -> None:
    body = intent(**NAMED)
    fresh = signed_by_stripe(body, age=timedelta(seconds=295))
    assert read(body, fresh) == news(PaymentMessageType.SUCCEEDED)
    with pytest.raises(SignatureRefused):
        read(body, signed_by_stripe(body, age=timedelta(seconds=305)))


def test_a_changed_body_or_another_secret_is_refused() -> None:
    body = intent(**NAMED)
    with pytest.raises(SignatureRefused):
        read(intent(amount_received=1, **NAMED), signed_by_stripe(body))
    with pytest.raises(SignatureRefused):
        read(body, signed_by_stripe(body, secret="whsec_other"))


def test_while_stripe_rolls_its_secret_one_of_two_signatures_is_enough() -> None:
    body = intent(**NAMED)
    ours = signed_by_stripe(body)["stripe-signature"]
    other = signed_by_stripe(body, secret="whsec_other")["stripe-signature"].partition(",")[2]
    assert read(body, {"stripe-signature": f"{ours},{other},v0=abc"}) == news(
        PaymentMessageType.SUCCEEDED
    )


def test_without_a_secret_there_is_nothing_to_call(settings: Settings) -> None:
    settings.STRIPE_WEBHOOK_SECRET = ""
    body = intent(**NAMED)
    for headers in (signed_by_stripe(body), signed_by_stripe(body, secret=""), {}):
        with pytest.raises(NotConfigured):
            read(body, headers)


@pytest.mark.parametrize(
    "header", ["", "t", "t=", "t=now,v1=a", "t=1", "v1=a", "t=99999999999,v1=ü", "t=" + "9" * 5000]
)
def test_malformed_signatures_are_refused(header: str) -> None:
    with pytest.raises(SignatureRefused):
        read(intent(**NAMED), {"stripe-signature": header})


@given(st.text(st.characters(max_codepoint=0xFF)), st.binary())
def test_whatever_is_not_signed_is_refused_and_nothing_else(header: str, body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        read(body, {"stripe-signature": header})


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just(str(ORDER)),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "order"]), inner),
)


@given(
    st.sampled_from([session(**NAMED), intent(**NAMED), refunded_charge(**NAMED)]),
    st.dictionaries(
        st.sampled_from(
            "id amount amount_total amount_received amount_refunded currency metadata "
            "payment_intent payment_status client_reference_id".split()
        ),
        _json,
    ),
)
def test_whatever_stripe_signs_is_read_or_refused_by_name(
    body: bytes, changes: dict[str, Any]
) -> None:
    document = json.loads(body)
    document["data"]["object"] |= changes
    try:
        found = read(json.dumps(document).encode())
    except WrongFields:
        return
    assert isinstance(found, Ignored) or (found.order_id == ORDER and found.amount >= 0)


def test_who_is_never_called_by_stripe_does_not_load_its_library() -> None:
    code = "import sys, orders.payments.adapters.stripe; sys.exit('stripe' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_a_name_that_is_given_twice_is_refused() -> None:
    body = intent(**NAMED).replace(b'"metadata": ', b'"metadata": {}, "metadata": ')
    with pytest.raises(WrongFields, match="/data/object/metadata is given more than once"):
        read(body)
