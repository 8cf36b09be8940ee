"""Webhooks over real HTTP: what arrives, and what becomes of what does not."""

import hashlib
import hmac
import json
import logging
from base64 import b64decode, b64encode
from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.db import connection
from pytest_django import Settings
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

from orders.domain import EventType
from orders.http.representation import encode_order
from orders.models import Delivery, Endpoint, OrderEvent
from orders.notifications.backoff import MAX_ATTEMPTS
from orders.notifications.webhook.deliver import deliver_webhooks
from orders.notifications.webhook.endpoints import create_webhook, enable, rotate_secret
from orders.reads.selectors import find_order
from shop.core import clock
from tests.conftest import MakeSale

from .conftest import Shop, all_due, happens
from .receiver import HANG_UP, Receiver

pytestmark = pytest.mark.django_db(transaction=True)


def the_delivery() -> Delivery:
    return Delivery.objects.get(endpoint__channel="webhook")


# --- What arrives -------------------------------------------------------------------------------


def test_an_order_is_told_of_as_the_api_shows_it(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    order = shop.order(metadata={"basket": "b-7"})
    deliver_webhooks()

    [call] = receiver.calls
    event = OrderEvent.objects.get()
    shown = find_order(order.pk, client_id=shop.client.pk)
    assert shown
    assert call.message == {
        "type": "order.placed",
        "timestamp": clock.rfc3339(clock.to_ms(event.created_at)),
        "sequence": 1,
        "data": json.loads(encode_order(shown)),
    }
    assert call.id == f"evt_{event.pk}"
    assert call.headers["content-type"] == "application/json"
    done = the_delivery()
    assert (done.state, done.attempts, done.last_status) == ("delivered", 1, 200)


def test_each_event_shows_the_order_in_the_status_that_it_led_to(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    shop.order(EventType.EXPIRED, EventType.PAID, EventType.REFUNDED)
    deliver_webhooks()
    told = [(call.message["type"], call.message["data"]["status"]) for call in receiver.calls]
    assert told == [
        ("order.placed", "awaiting_payment"),
        ("order.expired", "expired"),
        ("order.paid", "paid"),
        ("order.refunded", "refunded"),
    ]


def test_an_order_that_takes_no_payment_is_placed_as_confirmed(
    shop: Shop, make_sale: MakeSale, webhook: Endpoint, receiver: Receiver
) -> None:
    Shop(make_sale("free", {"CAP": 5}, payment="none"), shop.client).order(lines={"CAP": 1})
    deliver_webhooks()
    assert receiver.calls[0].message["data"]["status"] == "confirmed"


def test_money_that_has_to_go_back_is_told_with_the_event_only(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    order = shop.order(EventType.EXPIRED)
    happens(EventType.EXPIRED, order=order, refund_due=Decimal("12.50"))
    deliver_webhooks()
    told = [call.message["data"].get("refund_due") for call in receiver.calls]
    assert told == [None, None, "12.50"]


@pytest.mark.usefixtures("_private_targets")
def test_an_endpoint_is_told_only_what_it_has_chosen(shop: Shop, receiver: Receiver) -> None:
    create_webhook(url=receiver.url(), events=[EventType.PAID])
    shop.order(EventType.PAID)
    deliver_webhooks()
    assert [call.message["type"] for call in receiver.calls] == ["order.paid"]


def test_the_signature_proves_itself_to_the_library_and_by_hand(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    shop.order()
    deliver_webhooks()

    [call] = receiver.calls
    Webhook(webhook.secret).verify(call.body, dict(call.headers))
    signed = f"{call.id}.{call.headers['webhook-timestamp']}.".encode() + call.body
    key = b64decode(webhook.secret.removeprefix("whsec_"))
    by_hand = "v1," + b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()
    assert call.headers["webhook-signature"] == by_hand


def test_for_a_day_after_a_rotation_either_secret_proves_a_message(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    secret = rotate_secret(webhook)
    shop.order()
    deliver_webhooks()
    [call] = receiver.calls
    for valid in (secret, webhook.secret):
        Webhook(valid).verify(call.body, dict(call.headers))
    assert len(call.headers["webhook-signature"].split(" ")) == 2


def test_a_day_after_a_rotation_the_old_secret_proves_nothing(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    secret = rotate_secret(webhook)
    Endpoint.objects.filter(pk=webhook.pk).update(previous_secret_until=clock.now())
    shop.order()
    deliver_webhooks()
    [call] = receiver.calls
    Webhook(secret).verify(call.body, dict(call.headers))
    with pytest.raises(WebhookVerificationError):
        Webhook(webhook.secret).verify(call.body, dict(call.headers))


def test_connections_are_used_again(shop: Shop, webhook: Endpoint, receiver: Receiver) -> None:
    for _ in range(40):
        shop.order()
    deliver_webhooks()
    assert len(receiver.calls) == 40
    assert len(receiver.connections) <= 32


# --- What does not arrive -----------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 401, 404, 408, 429, 500, 502, 503, 504])
def test_a_failure_is_tried_again_with_the_same_id_and_bytes(
    status: int, shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: status if len(receiver.calls) == 1 else 204
    shop.order()
    deliver_webhooks()
    failed = the_delivery()
    assert (failed.state, failed.attempts) == ("pending", 1)
    assert (failed.last_status, failed.last_error) == (status, f"HTTP {status}")

    all_due()
    deliver_webhooks()
    first, second = receiver.calls
    assert (first.id, first.body) == (second.id, second.body)
    done = the_delivery()
    assert (done.state, done.attempts, done.last_status) == ("delivered", 2, 204)
    assert done.last_error == ""


def test_a_broken_connection_is_tried_again(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: HANG_UP
    shop.order()
    deliver_webhooks()
    failed = the_delivery()
    assert (failed.state, failed.attempts, failed.last_status) == ("pending", 1, None)
    assert "ServerDisconnected" in failed.last_error


@pytest.mark.usefixtures("_private_targets")
def test_a_host_that_does_not_listen_is_tried_again(shop: Shop) -> None:
    create_webhook(url="http://127.0.0.1:1/")
    shop.order()
    deliver_webhooks()
    failed = the_delivery()
    assert (failed.state, failed.attempts) == ("pending", 1)
    assert "Cannot connect" in failed.last_error


def test_a_call_that_takes_too_long_is_tried_again(
    shop: Shop, webhook: Endpoint, receiver: Receiver, settings: Settings
) -> None:
    settings.NOTIFY_TIMEOUT_SECONDS = 0.2
    receiver.behaviour = lambda call: receiver.until_released()
    shop.order()
    deliver_webhooks()
    failed = the_delivery()
    assert (failed.state, failed.attempts, failed.last_status) == ("pending", 1, None)
    assert "0.2 s" in failed.last_error


def test_each_failure_waits_longer_at_the_most(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: 500
    shop.order()
    waits = []
    for _ in range(3):
        all_due()
        deliver_webhooks()
        failed = the_delivery()
        assert failed.last_attempt_at
        waits.append((failed.due_at - failed.last_attempt_at).total_seconds())
    assert [round(wait / 5) * 5 for wait in waits] == [5, 25, 125]


@pytest.mark.parametrize("status", [429, 503])
def test_who_asks_to_wait_is_left_alone_altogether(
    status: int, shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: (status, {"Retry-After": "1000"})
    shop.order()
    before = clock.now()
    deliver_webhooks()
    shop.order()
    deliver_webhooks()

    webhook.refresh_from_db()
    assert len(receiver.calls) == 1
    assert webhook.resume_at
    assert webhook.resume_at >= before + timedelta(seconds=1000)
    first = Delivery.objects.order_by("pk").first()
    assert first
    assert first.due_at >= before + timedelta(seconds=1000)

    receiver.behaviour = lambda call: 200
    all_due()
    deliver_webhooks()
    assert len(receiver.calls) == 3


def test_retry_after_means_nothing_with_other_answers(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: (500, {"Retry-After": "1000"})
    shop.order()
    deliver_webhooks()
    webhook.refresh_from_db()
    assert webhook.resume_at is None
    assert the_delivery().due_at < clock.now() + timedelta(seconds=100)


def test_a_redirect_is_not_followed(shop: Shop, webhook: Endpoint, receiver: Receiver) -> None:
    elsewhere = receiver.url("/elsewhere")
    receiver.behaviour = lambda call: (307, {"Location": elsewhere})
    shop.order()
    deliver_webhooks()
    failed = the_delivery()
    assert [call.path for call in receiver.calls] == ["/hook"]
    assert (failed.state, failed.last_status) == ("pending", 307)
    assert "redirects are not followed" in failed.last_error


def test_an_answer_without_end_is_not_waited_for(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.answers_endlessly = True
    shop.order()
    deliver_webhooks()
    assert the_delivery().state == "delivered"


def test_after_the_last_attempt_a_delivery_is_given_up_and_the_next_of_its_order_goes_on(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: 500 if call.message["sequence"] == 1 else 200
    shop.order(EventType.PAID)
    for _ in range(MAX_ATTEMPTS):
        all_due()
        deliver_webhooks()
    first, second = Delivery.objects.order_by("sequence")
    assert (first.state, first.attempts, first.last_error) == ("dead", MAX_ATTEMPTS, "HTTP 500")
    assert (second.state, second.attempts) == ("delivered", 1)
    assert len(receiver.calls) == MAX_ATTEMPTS + 1


def test_attempts_that_never_come_to_an_end_are_bounded_too(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    shop.order()
    Delivery.objects.update(attempts=MAX_ATTEMPTS)
    deliver_webhooks()
    given_up = the_delivery()
    assert (given_up.state, given_up.last_error) == ("dead", "no attempt came to an end")
    assert receiver.calls == []


# --- Endpoints that are disabled ----------------------------------------------------------------


def test_410_disables_the_endpoint_and_gives_up_what_waits_for_it(
    shop: Shop, webhook: Endpoint, receiver: Receiver, settings: Settings
) -> None:
    settings.NOTIFY_LANE = 1
    other, _ = create_webhook(url=receiver.url("/other"))
    receiver.behaviour = lambda call: 410 if call.path == "/hook" else 200
    for _ in range(3):
        shop.order(EventType.PAID)
    deliver_webhooks()

    webhook.refresh_from_db()
    assert (webhook.active, webhook.disabled_reason) == (False, "it answered 410 Gone")
    ends = Delivery.objects.filter(endpoint=webhook).order_by("pk")
    assert [end.state for end in ends] == ["dead"] * 6
    assert ends[0].last_status == 410
    assert {end.last_error for end in ends[1:]} == {"endpoint disabled: it answered 410 Gone"}
    assert len(receiver.ids("/hook")) == 1
    assert len(receiver.ids("/other")) == 6
    assert not Delivery.objects.filter(endpoint=other).exclude(state="delivered").exists()
    shop.order()
    assert Delivery.objects.filter(endpoint=webhook).count() == 6


def test_what_waits_for_an_endpoint_that_a_person_has_switched_off_is_kept(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    shop.order()
    Endpoint.objects.filter(pk=webhook.pk).update(active=False)
    deliver_webhooks()
    assert (the_delivery().state, receiver.calls) == ("pending", [])
    enable(webhook)
    deliver_webhooks()
    assert the_delivery().state == "delivered"


def test_an_endpoint_that_has_failed_for_days_is_disabled_and_the_operators_are_told(
    shop: Shop,
    webhook: Endpoint,
    receiver: Receiver,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.ADMINS = [("", "ops@example.com")]
    receiver.behaviour = lambda call: 500
    shop.order(EventType.PAID)
    deliver_webhooks()
    webhook.refresh_from_db()
    assert webhook.failing_since
    assert webhook.active

    long_ago = clock.now() - timedelta(seconds=settings.WEBHOOK_DISABLE_AFTER_SECONDS)
    Endpoint.objects.filter(pk=webhook.pk).update(failing_since=long_ago)
    all_due()
    deliver_webhooks()

    webhook.refresh_from_db()
    assert not webhook.active
    assert "every call has failed since" in webhook.disabled_reason
    assert {row.state for row in Delivery.objects.all()} == {"dead"}
    [notice] = mail.outbox
    assert notice.to == ["ops@example.com"]
    assert webhook.url in notice.body
    [logged] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert "disabled" in logged.getMessage()


def test_one_success_ends_a_time_of_failures(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: 500 if len(receiver.calls) == 1 else 200
    shop.order()
    deliver_webhooks()
    shop.order()
    deliver_webhooks()
    webhook.refresh_from_db()
    assert webhook.failing_since is None


def test_the_endpoint_is_not_written_while_all_is_well(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    def version() -> str:
        with connection.cursor() as cursor:
            cursor.execute("SELECT xmin::text FROM orders_endpoint WHERE id = %s", [webhook.pk])
            [found] = cursor.fetchone() or [""]
        return str(found)

    before = version()
    shop.order()
    deliver_webhooks()
    assert the_delivery().state == "delivered"
    assert version() == before
