"""Order, fairness and many at once: what the lanes and their claims promise."""

import random
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby, pairwise
from types import SimpleNamespace
from typing import Any

import pytest
import redis
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models.functions import Now
from pytest_django import Settings

from orders.domain import EventType
from orders.models import Delivery, Endpoint, Order
from orders.notifications.outcomes import Delivered, GiveUp, NotTried, RetryLater
from orders.notifications.results import Attempt
from orders.notifications.webhook import deliver, endpoint_queue
from orders.notifications.webhook.deliver import deliver_webhooks
from orders.notifications.webhook.endpoint_queue import run_cycle
from orders.notifications.webhook.endpoints import create_webhook
from orders.persistence.drain import persist_entries
from orders.services.events import Event, record_events
from orders.task_names import DELIVER_WEBHOOKS
from shop.core.stores.locks import try_alone
from shop.core.tasks import dispatch
from tests.examples import share_of
from tests.factories import accepted_entry
from tests.processes import await_condition

from .conftest import Shop, all_due, happens
from .receiver import HANG_UP, Answer, Received, Receiver

MANY = share_of(1000)
HINT = f"hint:{DELIVER_WEBHOOKS.name}:[]"

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(count: int, function: Callable[..., Any], *args: Any) -> list[Any]:
    """Run `function` so many times at once. Returns what they return."""
    start = threading.Barrier(count)

    def run() -> Any:
        start.wait(10)
        try:
            return function(*args)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return [future.result() for future in [pool.submit(run) for _ in range(count)]]


@contextmanager
def pumping() -> Iterator[None]:
    """Deliver beside the test, until nothing is due or under way."""
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(deliver_webhooks)
        yield
        running.result(30)


def delivered(endpoint: Endpoint) -> int:
    return Delivery.objects.filter(endpoint=endpoint, state="delivered").count()


# --- The sequence of an order's events ----------------------------------------------------------


def test_the_events_of_an_order_arrive_in_their_sequence_though_the_first_fails_for_a_while(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    order = shop.order(EventType.PAID, EventType.REFUNDED)
    receiver.behaviour = lambda call: 500 if len(receiver.calls) <= 2 else 200
    for expected in ([1], [1, 1], [1, 1, 1, 2, 3]):
        all_due()
        deliver_webhooks()
        assert [call.message["sequence"] for call in receiver.calls] == expected
    assert (
        not Delivery.objects.filter(order_id=order.pk)
        .exclude(state="delivered")
        .filter(endpoint=webhook)
    )


def test_an_order_that_fails_does_not_hold_up_another(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    stuck, other = shop.order(EventType.PAID), shop.order(EventType.PAID)
    receiver.behaviour = lambda call: 500 if call.order == str(stuck.pk) else 200
    deliver_webhooks()
    arrived = Delivery.objects.filter(state="delivered").values_list("order_id", flat=True)
    assert list(arrived) == [other.pk] * 2


def test_an_event_that_happens_while_an_earlier_one_waits_waits_with_it(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: 500
    order = shop.order()
    deliver_webhooks()
    happens(EventType.PAID, order=order)
    deliver_webhooks()
    first, second = Delivery.objects.filter(endpoint=webhook).order_by("sequence")
    assert len(receiver.calls) == 1
    assert (second.attempts, second.due_at) == (0, first.due_at)


def test_what_waits_behind_another_is_looked_at_once_and_not_again(
    shop: Shop, webhook: Endpoint
) -> None:
    shop.order(EventType.PAID, EventType.REFUNDED)
    first = run_cycle(webhook.pk, [], 10)
    waiting = Delivery.objects.filter(endpoint=webhook, attempts=0).order_by("sequence")
    put_off = [delivery.due_at for delivery in waiting]
    again = run_cycle(webhook.pk, [], 10)
    assert (len(first.claims), again.claims, again.more) == (1, [], False)
    assert [delivery.due_at for delivery in waiting.all()] == put_off


def test_what_waits_goes_with_the_one_before_when_that_is_tried_again(
    shop: Shop, webhook: Endpoint
) -> None:
    shop.order(EventType.PAID)
    [claim] = run_cycle(webhook.pk, [], 10).claims
    run_cycle(webhook.pk, [Attempt(claim, RetryLater("no", wait_seconds=500.0))], 0)
    first, second = Delivery.objects.filter(endpoint=webhook).order_by("sequence")
    assert second.due_at == first.due_at


# --- Claims -------------------------------------------------------------------------------------


def test_claimers_at_once_never_get_the_same_delivery_nor_two_of_an_order(
    shop: Shop, webhook: Endpoint
) -> None:
    for _ in range(20):
        shop.order(EventType.PAID)
    turns = in_threads(6, run_cycle, webhook.pk, [], 5)
    claims = [claim for turn in turns for claim in turn.claims]
    orders = Delivery.objects.filter(pk__in=[claim.delivery_id for claim in claims])
    assert len({claim.delivery_id for claim in claims}) == len(claims)
    assert len(set(orders.values_list("order_id", flat=True))) == len(claims)


def test_pumps_at_once_deliver_each_event_once(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    for _ in range(30):
        shop.order(EventType.PAID)
    in_threads(3, deliver_webhooks)
    assert Counter(receiver.ids()) == Counter(set(receiver.ids()))
    assert delivered(webhook) == len(receiver.calls) == 60


def test_a_second_pump_returns_at_once(shop: Shop, webhook: Endpoint, receiver: Receiver) -> None:
    shop.order()
    with try_alone("deliver webhooks") as alone:
        in_threads(1, deliver_webhooks)
        assert alone
    assert receiver.calls == []


def test_what_a_dead_worker_had_claimed_is_delivered_with_the_same_id_once_its_lease_is_over(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    shop.order()
    [claim] = run_cycle(webhook.pk, [], 10).claims
    deliver_webhooks()
    assert receiver.calls == []

    all_due()
    deliver_webhooks()
    assert receiver.ids() == [f"evt_{claim.event_id}"]
    done = Delivery.objects.get(endpoint=webhook)
    assert (done.state, done.attempts) == ("delivered", 2)


@pytest.mark.parametrize("outcome", [Delivered(200), GiveUp("no"), RetryLater("no"), NotTried()])
def test_the_late_result_of_a_lost_lease_changes_nothing(
    outcome: Any, shop: Shop, webhook: Endpoint
) -> None:
    shop.order()
    [lost] = run_cycle(webhook.pk, [], 10).claims
    all_due()
    [held] = run_cycle(webhook.pk, [], 10).claims
    before = Delivery.objects.filter(pk=held.delivery_id).values().get()
    run_cycle(webhook.pk, [Attempt(lost, outcome)], 0)
    assert Delivery.objects.filter(pk=held.delivery_id).values().get() == before


def test_a_claim_that_was_not_tried_is_given_back_as_if_it_had_not_been_made(
    shop: Shop, webhook: Endpoint
) -> None:
    shop.order()
    [claim] = run_cycle(webhook.pk, [], 10).claims
    run_cycle(webhook.pk, [Attempt(claim, NotTried())], 0)
    assert Delivery.objects.get(endpoint=webhook).attempts == 0
    assert run_cycle(webhook.pk, [], 10).claims == [claim]


# --- Lanes --------------------------------------------------------------------------------------


def test_a_slow_endpoint_does_not_delay_another(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    slow, _ = create_webhook(url=receiver.url("/slow"))
    receiver.behaviour = lambda call: receiver.until_released() if call.path == "/slow" else 200
    for _ in range(60):
        shop.order(EventType.PAID)
    with pumping():
        await_condition("the fast one has all", lambda: delivered(webhook) == 120)
        hanging = len(receiver.ids("/slow"))
        assert (hanging > 0, delivered(slow)) == (True, 0)
        receiver.release()
    assert delivered(slow) == 120


def test_a_call_that_hangs_does_not_hold_up_the_others_of_its_lane(
    shop: Shop, webhook: Endpoint, receiver: Receiver, settings: Settings
) -> None:
    settings.NOTIFY_LANE = 2
    stuck = shop.order()
    receiver.behaviour = lambda call: (
        receiver.until_released() if call.order == str(stuck.pk) else 200
    )
    for _ in range(20):
        shop.order()
    with pumping():
        await_condition("the others have arrived", lambda: delivered(webhook) == 20)
        assert Delivery.objects.get(endpoint=webhook, order_id=stuck.pk).state == "pending"
        receiver.release()
    assert delivered(webhook) == 21


def test_no_more_calls_are_under_way_than_a_lane_has(
    shop: Shop, webhook: Endpoint, receiver: Receiver, settings: Settings
) -> None:
    settings.NOTIFY_LANE = 3
    receiver.behaviour = lambda call: receiver.until_released()
    for _ in range(10):
        shop.order()
    with pumping():
        await_condition("the lane is full", lambda: len(receiver.calls) == 3)
        receiver.release()
    assert delivered(webhook) == 10
    assert receiver.most_at_once == 3


def test_claims_ahead_are_given_back_untouched_where_calls_begin_to_hang(
    shop: Shop,
    webhook: Endpoint,
    receiver: Receiver,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.NOTIFY_LANE = 4
    monkeypatch.setattr(endpoint_queue, "WAIT_SECONDS", 0.1)
    receiver.behaviour = lambda call: (
        200 if len(receiver.calls) <= 20 else receiver.until_released()
    )
    for _ in range(40):
        shop.order()
    untouched = Delivery.objects.filter(state="pending", attempts=0, due_at__lte=Now())
    with pumping():
        await_condition("the lane hangs", lambda: len(receiver.calls) == 24)
        await_condition("nobody holds the others", lambda: untouched.count() == 16)
        receiver.release()
    assert delivered(webhook) == len(receiver.calls) == 40


@pytest.mark.parametrize("answer", [(429, {"Retry-After": "1000"}), 410])
def test_once_it_asks_to_be_left_alone_no_call_begins_that_was_claimed_ahead(
    answer: Answer, shop: Shop, webhook: Endpoint, receiver: Receiver, settings: Settings
) -> None:
    settings.NOTIFY_LANE = 2
    receiver.behaviour = lambda call: answer if len(receiver.calls) >= 10 else 200
    for _ in range(40):
        shop.order()
    deliver_webhooks()
    assert 10 <= len(receiver.calls) <= 11
    rest = Delivery.objects.filter(endpoint=webhook, attempts=0)
    assert rest.count() == 40 - len(receiver.calls)


def test_a_turn_is_taken_for_many_calls_at_once(
    shop: Shop, webhook: Endpoint, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint_queue, "GATHER_SECONDS", 0.5)
    turns: list[int] = []

    def counted(endpoint_id: int, attempts: list[Attempt], room: int) -> Any:
        turns.append(len(attempts))
        return run_cycle(endpoint_id, attempts, room)

    monkeypatch.setattr(endpoint_queue, "run_cycle", counted)
    entries = [accepted_entry(shop.sale, shop.client) for _ in range(600)]
    persist_entries(shop.sale.pk, entries)
    deliver_webhooks()
    assert delivered(webhook) == 600
    assert len(turns) <= 20
    assert max(turns) > 100


def test_a_pump_that_lingers_needs_no_hint_for_what_happens_next_and_leaves_none_held_back(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    shop.order()
    with (
        ThreadPoolExecutor(1) as pool,
        redis.Redis.from_url(settings.CELERY_BROKER_URL) as broker,
    ):
        broker.flushdb()
        running = pool.submit(deliver_webhooks, linger_seconds=1.0)
        await_condition("hints are held back", lambda: broker.exists(HINT))
        shop.order()
        await_condition("both have arrived", lambda: delivered(webhook) == 2)
        assert broker.llen(DELIVER_WEBHOOKS.queue) == 0
        running.result(30)
        assert not broker.exists(HINT)
        shop.order()
        assert broker.llen(DELIVER_WEBHOOKS.queue) == 1
        broker.flushdb()


def test_an_endpoint_that_gets_work_while_another_hangs_is_served(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: receiver.until_released() if call.path == "/hook" else 200
    shop.order()
    with pumping():
        await_condition("the first hangs", lambda: receiver.ids("/hook"))
        late, _ = create_webhook(url=receiver.url("/late"))
        shop.order()
        await_condition("the other is served", lambda: delivered(late) == 1)
        receiver.release()


def test_at_the_end_of_its_time_a_pump_asks_for_its_successor_before_it_waits_for_slow_answers(
    shop: Shop,
    webhook: Endpoint,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[str] = []
    clock = SimpleNamespace(now=0.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(deliver, "time", clock)
    monkeypatch.setattr(dispatch, "send", lambda task, *_: asked.append(task.name))
    receiver.behaviour = lambda call: receiver.until_released()
    shop.order()
    with pumping():
        await_condition("a call is under way", lambda: receiver.calls)
        asked.clear()  # the order's own hint
        clock.now = 1000.0
        await_condition("the successor is asked for", lambda: asked)
        with try_alone("deliver webhooks") as alone:
            assert alone
        under_way = Delivery.objects.get(endpoint=webhook)
        assert (under_way.state, under_way.attempts, under_way.last_error) == ("pending", 1, "")
        receiver.release()
    assert asked == ["orders.deliver_webhooks"]
    assert delivered(webhook) == 1


def test_a_lane_that_breaks_does_not_end_the_others(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    broken, _ = create_webhook(url=receiver.url("/broken"))
    Endpoint.objects.filter(pk=broken.pk).update(secret="whsec_")
    shop.order()
    deliver_webhooks()
    assert (delivered(webhook), delivered(broken)) == (1, 0)


# --- The database -------------------------------------------------------------------------------


def other_connections(then: str = "") -> int:
    """How many connections to the database there are beside the test's own."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) {then} FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return int((cursor.fetchone() or [0])[0])


def test_a_pump_leaves_no_connection_behind(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    before = other_connections()
    shop.order()
    deliver_webhooks()
    assert delivered(webhook) == 1
    await_condition("its connection is closed", lambda: other_connections() <= before)


def test_a_database_that_goes_away_ends_the_pump_and_costs_no_delivery(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: receiver.until_released()
    shop.order()
    with ThreadPoolExecutor(1) as pool:
        pump = pool.submit(deliver_webhooks)
        await_condition("a call is under way", lambda: receiver.calls)
        other_connections(", count(pg_terminate_backend(pid))")
        with pytest.raises((OperationalError, InterfaceError)):
            pump.result(30)
    assert delivered(webhook) == 0

    receiver.release()
    all_due()
    deliver_webhooks()
    assert delivered(webhook) == 1
    assert len(set(receiver.ids())) == 1


# --- Everything together ------------------------------------------------------------------------


def test_every_event_of_many_orders_arrives_in_sequence_though_the_receiver_fails_at_random(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    chance = random.Random(20)
    refused: set[int] = set()

    def moody(call: Received) -> Answer:
        if chance.random() < 0.8:
            return 200
        refused.add(len(receiver.calls) - 1)
        return chance.choice([500, 503, HANG_UP])

    receiver.behaviour = moody
    entries = [accepted_entry(shop.sale, shop.client) for _ in range(MANY)]
    persist_entries(shop.sale.pk, entries)
    ids = list(Order.objects.values_list("pk", flat=True))
    for sequence, type_ in ((2, EventType.PAID), (3, EventType.REFUNDED)):
        record_events([Event(order_id, sequence, type_) for order_id in ids])
    while Delivery.objects.filter(endpoint=webhook, state="pending").exists():
        all_due()
        deliver_webhooks()

    assert delivered(webhook) == 3 * MANY
    told = defaultdict(list)
    for number, call in enumerate(receiver.calls):
        told[call.order].append((call.message["sequence"], call.id, number not in refused))
    assert set(told) == {str(order_id) for order_id in ids}
    for attempts in told.values():
        assert all(before[0] <= after[0] for before, after in pairwise(attempts))
        taken = [sequence for sequence, _, welcome in attempts if welcome]
        assert taken == [1, 2, 3]
        for _, same in groupby(attempts, key=lambda attempt: attempt[0]):
            assert len({name for _, name, _ in same}) == 1
    assert refused
