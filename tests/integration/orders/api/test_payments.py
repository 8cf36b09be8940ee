"""What payment providers send us, from the signature to the order, and what we answer."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx2
import pytest
from django.db import connections
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings
from redis import ConnectionPool

from inventory.models import Sale
from orders.domain import new_order_id
from orders.models import Order, PaymentNotice, ProviderMessage
from orders.payments.late import settle_payments
from orders.services.holds import expire_holds
from shop.core.stores import redis
from tests.conftest import MakeSale
from tests.examples import share_of
from tests.life import events, place, placed, status, work
from tests.placing import Request
from tests.processes import Web, await_condition
from tests.signing import STRIPE_SECRET, signed, signed_by_stripe
from tests.unit.orders.payments.stripe_events import (
    event,
    failed_intent,
    intent,
    refunded_charge,
    session,
)

from .conformance import assert_documented

pytestmark = pytest.mark.django_db(transaction=True)

CALLBACK, STRIPE = "/api/v1/payments/callback", "/api/v1/payments/stripe"
OPERATION = {CALLBACK: "takePayment", STRIPE: "takeStripeEvent"}
KIB = 1024


def post(url: str, body: bytes, headers: dict[str, str]) -> httpx2.Response:
    """What the endpoint answers; it has to be as the API's document says."""
    answer = Client().post(url, body, content_type="application/json", headers=headers)
    response = httpx2.Response(
        answer.status_code, headers=list(answer.items()), content=answer.content
    )
    assert_documented(OPERATION[url], response)
    return response


def settled(response: httpx2.Response) -> tuple[int, str]:
    """An answer's status, and what became of its message once the worker was there."""
    assert said(response) == (200, "pending")
    settle_payments()
    notice = PaymentNotice.objects.get(notice_id=response.json()["notice"])
    return response.status_code, notice.state


def send(order_id: UUID, word: str = "succeeded", **changes: Any) -> httpx2.Response:
    """Send a callback about an order; `notice_id` and `age` are those of its headers."""
    headers = {name: changes.pop(name) for name in ("notice_id", "age") if name in changes}
    data = {"order": str(order_id), "amount": "12.50", "currency": "EUR", "reference": "pay-1"}
    body = json.dumps({"type": f"payment.{word}", "data": data | changes}).encode()
    return post(CALLBACK, body, signed(body, **headers))


def send_event(body: bytes) -> httpx2.Response:
    return post(STRIPE, body, signed_by_stripe(body))


def said(response: httpx2.Response) -> tuple[int, str]:
    """An answer's status, and its state or kind of problem."""
    answer = response.json()
    return response.status_code, answer.get("state") or answer["type"].removeprefix("/problems/")


def states() -> list[str]:
    return list(PaymentNotice.objects.order_by("pk").values_list("state", flat=True))


def forget_connections(pool: ConnectionPool) -> None:
    """Let the next command connect anew."""
    pool.disconnect()
    pool.reset()


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50})


@pytest.fixture
def order(sale: Sale, api_key: str) -> Order:
    [order] = placed(sale, api_key, Request("k"))
    return order


@pytest.fixture
def stripe_named(order: Order, settings: Settings) -> dict[str, Any]:
    """What a Stripe object has that is about `order`."""
    settings.STRIPE_WEBHOOK_SECRET = STRIPE_SECRET
    return {"metadata": {"order": str(order.pk)}}


# --- Payments -----------------------------------------------------------------------------------


def test_a_payment_pays_and_a_refund_refunds(order: Order) -> None:
    assert settled(send(order.pk, "failed", notice_id="m-1")) == (200, "applied")
    assert status(order) == "awaiting_payment"
    assert settled(send(order.pk, notice_id="m-2")) == (200, "applied")
    assert status(order) == "paid"
    assert settled(send(order.pk, "refunded", notice_id="m-3")) == (200, "applied")
    assert status(order) == "refunded"


def test_a_message_that_comes_again_is_answered_the_same_and_changes_nothing(order: Order) -> None:
    assert settled(send(order.pk, notice_id="m-1")) == (200, "applied")
    again = send(order.pk, notice_id="m-1", age=timedelta(seconds=60))
    assert (again.status_code, again.json()) == (200, {"notice": "m-1", "state": "applied"})
    assert len(events(order)) == 2
    assert states() == ["applied"]


def test_the_same_message_many_times_at_once_is_worked_off_once(web: Web, sale: Sale) -> None:
    order_id = web.order("k", headers={"Prefer": "wait=20"}).json()["id"]
    data = {"order": order_id, "amount": "12.50", "currency": "EUR", "reference": "pay-1"}
    body = json.dumps({"type": "payment.succeeded", "data": data}).encode()
    with ThreadPoolExecutor(8) as threads:
        sent = [
            threads.submit(web.http.post, CALLBACK, content=body, headers=signed(body))
            for _ in range(24)
        ]
    answers = [each.result() for each in sent]
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.json()["notice"] for answer in answers} == {"msg-1"}
    await_condition("the payment is applied", lambda: "pending" not in states())
    [order] = Order.objects.all()
    assert [type_ for _, type_ in events(order)] == ["order.placed", "order.paid"]


def test_a_payment_may_be_faster_than_the_order(sale: Sale, api_key: str) -> None:
    [order_id] = place(api_key, Request("k"))
    assert said(send(order_id)) == (200, "pending")
    work(sale)
    assert Order.objects.get(pk=order_id).status == "paid"
    assert said(send(order_id)) == (200, "applied")


def test_a_payment_that_comes_too_late_is_kept_until_its_stock_is_taken_again(
    sale: Sale, order: Order
) -> None:
    assert order.hold_expires_at is not None
    expire_holds(now=order.hold_expires_at)
    assert said(send(order.pk)) == (200, "pending")
    work(sale)
    assert status(order) == "paid"


def test_the_media_type_of_a_signed_message_is_not_judged(order: Order, client: Client) -> None:
    data = {"order": str(order.pk), "amount": "12.5", "currency": "EUR", "reference": "pay-1"}
    body = json.dumps({"type": "payment.succeeded", "data": data}).encode()
    answer = client.post(CALLBACK, body, content_type="text/plain", headers=signed(body))
    assert answer.status_code == 200


# --- Refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"amount": "12.49"}, {"currency": "USD"}, {"amount": "0"}])
def test_another_amount_or_currency_is_refused_each_time_and_kept(
    order: Order, changes: dict[str, str]
) -> None:
    for _ in range(2):
        response = send(order.pk, **changes)
        assert said(response) == (422, "payment-mismatch")
        assert response.json()["detail"] == "The order is over 12.50 EUR."
    assert (status(order), states()) == ("awaiting_payment", ["refused"])


def test_an_order_that_is_not_there_is_not_found_and_the_message_kept(sale: Sale) -> None:
    nobody = UUID(bytes=new_order_id(sale.pk, 1_795_780_800_123))
    elsewhere = UUID("6f9619ff-8b86-4d01-b42d-00cf4fc964ff")
    assert said(send(nobody, notice_id="m-1")) == (404, "not-found")
    assert said(send(elsewhere, notice_id="m-2")) == (404, "not-found")
    assert states() == ["unmatched", "unmatched"]


def test_what_is_no_order_id_is_not_found_either(sale: Sale) -> None:
    body = b'{"type": "payment.succeeded", "data": {"order": "no-such-order", '
    body += b'"amount": "12.50", "currency": "EUR", "reference": "pay-1"}}'
    assert said(post(CALLBACK, body, signed(body))) == (404, "not-found")


def test_a_bad_signature_is_refused_before_anything_about_an_order_is_said(order: Order) -> None:
    answers = []
    for order_id in (order.pk, UUID(bytes=new_order_id(order.sale_id, 1_795_780_800_123))):
        data = {"order": str(order_id), "amount": "1", "currency": "EUR", "reference": "pay-1"}
        body = json.dumps({"type": "payment.succeeded", "data": data}).encode()
        answers.append(post(CALLBACK, body, signed(b"something else")))
    answers.append(post(CALLBACK, b"{", signed(b"something else")))
    assert {said(answer) for answer in answers} == {(401, "bad-signature")}
    assert len({answer.text for answer in answers}) == 1
    assert states() == []


def test_a_message_without_a_signature_is_refused(sale: Sale) -> None:
    assert said(post(CALLBACK, b"{}", {})) == (401, "bad-signature")


def test_a_signed_message_that_is_none_is_refused_by_name(sale: Sale) -> None:
    assert said(post(CALLBACK, b"{", signed(b"{"))) == (400, "malformed-json")
    response = send(UUID(int=0), amount="12.505", reference="")
    assert said(response) == (422, "invalid-request")
    assert [error["pointer"] for error in response.json()["errors"]] == ["/data/reference"]
    assert states() == []


def test_a_message_may_have_64_kib_and_no_more(order: Order) -> None:
    room = 64 * KIB - len(
        json.dumps(
            {
                "type": "payment.succeeded",
                "data": {
                    "order": str(order.pk),
                    "amount": "12.50",
                    "currency": "EUR",
                    "reference": "pay-1",
                    "note": "",
                },
            }
        )
    )
    assert said(send(order.pk, note="x" * (room + 1))) == (413, "body-too-large")
    assert settled(send(order.pk, note="x" * room)) == (200, "applied")


def test_while_postgresql_is_away_the_answer_is_503_and_afterwards_the_truth(
    order: Order, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as away:
        away.setitem(connections.settings["default"], "PORT", "1")
        assert said(send(order.pk)) == (503, "unavailable")
    assert settled(send(order.pk)) == (200, "applied")


def test_while_redis_is_away_an_order_that_only_redis_knows_is_not_unknown(
    sale: Sale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [order_id] = place(api_key, Request("k"))
    pool = redis.client().connection_pool
    with monkeypatch.context() as away:
        away.setitem(pool.connection_kwargs, "port", 1)
        forget_connections(pool)
        assert said(send(order_id)) == (503, "unavailable")
    forget_connections(pool)
    assert states() == []
    assert said(send(order_id)) == (200, "pending")


@hypothesis_settings(
    max_examples=share_of(50), suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    names=st.lists(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature"]), max_size=2
    ),
    junk=st.text(st.characters(min_codepoint=0x20, max_codepoint=0xFF)),
)
@pytest.mark.parametrize("url", [CALLBACK, STRIPE])
def test_no_garbage_is_answered_with_a_fault_of_ours(
    url: str, settings: Settings, sale: Sale, body: bytes, names: list[str], junk: str
) -> None:
    settings.STRIPE_WEBHOOK_SECRET = STRIPE_SECRET
    text = body.decode("utf-8", "ignore").encode()
    headers = signed(text) if url == CALLBACK else signed_by_stripe(text)
    headers |= dict.fromkeys(names, junk)
    assert post(url, body, headers).status_code in {400, 401, 404, 422}


# --- Stripe -------------------------------------------------------------------------------------


def test_a_session_and_its_intent_are_one_payment(
    order: Order, stripe_named: dict[str, Any]
) -> None:
    changes = stripe_named | {"amount_total": 1250}
    assert settled(send_event(session(id_="evt_1", **changes))) == (200, "applied")
    paid = intent(id_="evt_2", amount=1250, amount_received=1250, **stripe_named)
    assert settled(send_event(paid)) == (200, "repeated")
    assert said(send_event(paid)) == (200, "repeated")
    assert status(order) == "paid"
    assert Order.objects.get().refund_due is None


def test_a_failed_attempt_leaves_the_hold_and_the_next_one_pays(
    order: Order, stripe_named: dict[str, Any]
) -> None:
    failed = failed_intent(id_="evt_1", amount=1250, **stripe_named)
    assert settled(send_event(failed)) == (200, "applied")
    paid = intent(id_="evt_2", amount=1250, amount_received=1250, **stripe_named)
    assert settled(send_event(paid)) == (200, "applied")
    assert status(order) == "paid"


def test_a_refund_finds_the_order_that_only_the_session_named(
    order: Order, stripe_named: dict[str, Any]
) -> None:
    named = {"client_reference_id": str(order.pk), "amount_total": 1250}
    assert settled(send_event(session(id_="evt_1", **named))) == (200, "applied")
    refund = refunded_charge(id_="evt_2", amount=1250, amount_refunded=1250)
    assert settled(send_event(refund)) == (200, "applied")
    assert status(order) == "refunded"


def test_a_partial_refund_is_acknowledged_and_left_to_a_person(
    order: Order, stripe_named: dict[str, Any]
) -> None:
    paid = intent(id_="evt_1", amount=1250, amount_received=1250, **stripe_named)
    assert settled(send_event(paid)) == (200, "applied")
    part = refunded_charge(
        id_="evt_2", amount=1250, amount_refunded=500, refunded=False, **stripe_named
    )
    for _ in range(2):
        assert send_event(part).json() == {"notice": "evt_2", "state": "refused"}
        settle_payments()
    assert (status(order), states()) == ("paid", ["applied", "partly"])
    # What Stripe then tells of the rest is the whole sum.
    whole = refunded_charge(id_="evt_3", amount=1250, amount_refunded=1250, **stripe_named)
    assert settled(send_event(whole)) == (200, "applied")
    assert status(order) == "refunded"


def test_what_is_not_about_an_order_is_acknowledged_and_not_kept(
    stripe_named: dict[str, Any],
) -> None:
    for body in (session(), event("customer.created", {"id": "cus_1"}), refunded_charge()):
        assert send_event(body).json() == {"notice": "evt_1", "state": "ignored"}
    assert states() == []


def test_stripe_is_told_of_an_unknown_order_so_that_it_tries_again(
    sale: Sale, stripe_named: dict[str, Any]
) -> None:
    nobody = UUID(bytes=new_order_id(sale.pk, 1_795_780_800_123))
    assert said(send_event(intent(metadata={"order": str(nobody)}))) == (404, "not-found")


def test_stripe_too_has_to_sign_and_to_keep_to_its_shapes(stripe_named: dict[str, Any]) -> None:
    body = intent(**stripe_named)
    headers = signed_by_stripe(body, secret="whsec_other")
    assert said(post(STRIPE, body, headers)) == (401, "bad-signature")
    assert said(send_event(intent(amount=None))) == (422, "invalid-request")
    assert said(send_event(b"{")) == (400, "malformed-json")
    assert said(send_event(b" " * (64 * KIB + 1))) == (413, "body-too-large")


def test_without_a_secret_of_stripes_there_is_no_such_endpoint(order: Order) -> None:
    assert said(send_event(intent(metadata={"order": str(order.pk)}))) == (404, "not-found")
    assert said(post(STRIPE, b"", {})) == (404, "not-found")


# --- What is known already, and what nothing follows from ----------------------------------------


def test_a_known_id_with_another_body_is_refused_each_time_and_kept(order: Order) -> None:
    assert settled(send(order.pk, notice_id="m-1")) == (200, "applied")
    for _ in range(2):
        again = send(order.pk, notice_id="m-1", reference="pay-2")
        assert said(again) == (409, "message-changed")
    assert said(send(order.pk, "disputed", notice_id="m-1")) == (409, "message-changed")
    assert said(send(order.pk, notice_id="m-1")) == (200, "applied")
    assert states() == ["applied"]
    assert ProviderMessage.objects.filter(kind="changed").count() == 2
    assert Order.objects.get().refund_due is None


def test_the_same_body_written_otherwise_is_the_same_message(order: Order) -> None:
    data = {"order": str(order.pk), "amount": "12.50", "currency": "EUR", "reference": "pay-1"}
    document = {"type": "payment.succeeded", "data": data}
    for text in (json.dumps(document), json.dumps(document, indent=2, sort_keys=True)):
        assert post(CALLBACK, text.encode(), signed(text.encode())).status_code == 200
    assert len(states()) == 1


def test_a_dispute_is_kept_and_other_types_are_acknowledged(order: Order) -> None:
    for _ in range(2):
        assert said(send(order.pk, "disputed", notice_id="m-1")) == (200, "kept")
    assert said(send(order.pk, "disputed", notice_id="m-1", amount="1")) == (409, "message-changed")
    assert said(send(order.pk, notice_id="m-1")) == (409, "message-changed")
    assert said(send(order.pk, "pending", notice_id="m-2")) == (200, "ignored")
    kept = ProviderMessage.objects.get(kind="money")
    assert (kept.type, kept.order_id) == ("payment.disputed", order.pk)
    assert (status(order), states()) == ("awaiting_payment", [])


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        *(("12.500", "EUR"), ("12.5000", "EUR"), ("12.50000", "EUR"), ("5.0", "JPY")),
        *(
            ("+12.50", "EUR"),
            ("1.25e1", "EUR"),
            (" 12.50", "EUR"),
            ("NaN", "EUR"),
            ("12,50", "EUR"),
        ),
    ],
)
def test_an_amount_is_written_as_its_currency_is(order: Order, amount: str, currency: str) -> None:
    answer = send(order.pk, amount=amount, currency=currency)
    assert said(answer) == (422, "invalid-request")
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/data/amount"]
    assert states() == []


def test_stripes_disputes_are_kept_and_its_repeats_are_known(
    order: Order, stripe_named: dict[str, Any]
) -> None:
    dispute = {"id": "dp_1", "amount": 1250, "status": "needs_response", "payment_intent": "pi_1"}
    for waiting in (1, 0):  # how many endpoints wait for it is no other content
        body = event("charge.dispute.created", dispute, pending_webhooks=waiting)
        assert said(send_event(body)) == (200, "kept")
    undone = {"id": "re_1", "status": "failed"}
    assert said(send_event(event("refund.updated", undone, id="evt_2"))) == (200, "kept")
    fine = {"id": "re_1", "status": "succeeded"}
    assert said(send_event(event("refund.updated", fine, id="evt_3"))) == (200, "ignored")
    assert ProviderMessage.objects.count() == 2
