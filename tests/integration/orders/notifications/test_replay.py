"""Sending again: what was delivered or given up, and nothing else."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from orders.domain import EventType
from orders.models import Delivery, Endpoint
from orders.notifications import replay as replaying
from orders.notifications.replay import ended_deliveries, replay
from orders.notifications.webhook.deliver import deliver_webhooks
from orders.notifications.webhook.endpoint_queue import run_cycle
from orders.notifications.webhook.endpoints import create_webhook, disable

from .conftest import Shop
from .receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def test_a_replay_arrives_with_the_same_ids_and_bytes_in_the_same_sequence(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    shop.order(EventType.PAID, EventType.REFUNDED)
    deliver_webhooks()
    assert replay(ended_deliveries()) == (3, 0)
    deliver_webhooks()
    told = [(call.id, call.body) for call in receiver.calls]
    assert len(told) == 6
    assert told[:3] == told[3:]


def test_only_what_was_given_up_is_sent_again_where_that_is_asked_for(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: 200
    lost, fine = shop.order(), shop.order()
    deliver_webhooks()
    Delivery.objects.filter(order_id=lost.pk).update(state="dead", attempts=10)
    assert replay(ended_deliveries(dead_only=True)) == (1, 0)
    again = Delivery.objects.get(order_id=lost.pk)
    assert (again.state, again.attempts) == ("pending", 0)
    assert Delivery.objects.get(order_id=fine.pk).state == "delivered"


def test_a_range_of_time_begins_with_its_first_moment_and_ends_before_its_last(
    shop: Shop, webhook: Endpoint
) -> None:
    for hours in range(4):
        order = shop.order()
        Delivery.objects.filter(order_id=order.pk).update(
            created_at=NOON + timedelta(hours=hours), state="delivered"
        )
    replay(ended_deliveries(since=NOON + timedelta(hours=1), until=NOON + timedelta(hours=3)))
    ordered = Delivery.objects.order_by("pk").values_list("state", flat=True)
    assert list(ordered) == ["delivered", "pending", "pending", "delivered"]


def test_deliveries_are_as_old_as_their_events(shop: Shop, webhook: Endpoint) -> None:
    shop.order(EventType.PAID)
    for delivery in Delivery.objects.select_related("event"):
        assert delivery.created_at == delivery.event.created_at


def test_what_is_under_way_is_left_to_itself(shop: Shop, webhook: Endpoint) -> None:
    shop.order()
    [claim] = run_cycle(webhook.pk, [], 10).claims
    before = Delivery.objects.filter(pk=claim.delivery_id).values().get()
    assert replay(Delivery.objects.all()) == (0, 0)
    assert Delivery.objects.filter(pk=claim.delivery_id).values().get() == before


def test_what_belongs_to_an_endpoint_that_is_off_is_left_alone_and_counted(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    off, _ = create_webhook(url=receiver.url("/off"))
    shop.order()
    deliver_webhooks()
    disable(off)
    assert replay(ended_deliveries()) == (1, 1)
    assert Delivery.objects.get(endpoint=off).state == "delivered"


def test_many_are_changed_batch_by_batch(
    shop: Shop, webhook: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaying, "BATCH", 4)
    for _ in range(10):
        shop.order()
    Delivery.objects.update(state="dead")
    with CaptureQueriesContext(connection) as captured:
        assert replay(ended_deliveries(dead_only=True)) == (10, 0)
    assert len([query for query in captured if query["sql"].startswith("UPDATE")]) == 3
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending"}
