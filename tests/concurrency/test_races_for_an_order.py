"""Paying, cancelling and expiring one order at the same time: one of them wins, each time."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from random import Random

import pytest
from django.db import connections

from inventory.models import Allocation
from orders.errors import NotCancellable
from orders.models import ApiClient, Order, OrderEvent, PaymentNotice
from orders.payments.late import settle_payments
from orders.reconciliation.compare import reconcile
from orders.services.holds import cancel_order, expire_holds
from orders.services.release import release_stock
from shop.core import clock
from tests.conftest import MakeSale
from tests.examples import share_of
from tests.life import pay, placed, status
from tests.placing import Request

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 20
ORDERS = share_of(200)
LATE = share_of(100)
LOOKS = 25  # reads that put a step behind the others
State = PaymentNotice.State


class Race:
    """Twenty threads that start at the same moment, each with a step of its own to take."""

    def __init__(self, pool: ThreadPoolExecutor, client: ApiClient) -> None:
        self.pool = pool
        self.client = client
        self.random = Random(7)
        self.races = 0

    def run(self, order: Order) -> Counter[str]:
        """Return what the threads were told, by step and answer."""
        steps: list[Callable[[Order], str]] = [self.pay, self.cancel, self.expire]
        # Each takes part, so that each can win.
        chosen = steps + self.random.choices(steps, k=THREADS - len(steps))
        # In every other race all run at once; in the rest one kind of step is ahead, each in turn,
        # so that each wins some, however the threads are scheduled.
        self.races += 1
        ahead = steps[self.races // 2 % 3] if self.races % 2 else None
        start = threading.Barrier(THREADS)

        def take(step: Callable[[Order], str]) -> str:
            start.wait(30)
            for _ in range(LOOKS if ahead not in (None, step) else 0):
                status(order)
            return step(order)

        return Counter(self.pool.map(take, chosen))

    def pay(self, order: Order) -> str:
        return f"pay {pay(order).state}"

    def cancel(self, order: Order) -> str:
        try:
            cancel_order(order.pk, client_id=self.client.pk)
        except NotCancellable as error:
            return f"cancel {error.status}"
        return "cancel done"

    def expire(self, order: Order) -> str:
        assert order.hold_expires_at is not None
        return f"expire {expire_holds(now=order.hold_expires_at)}"


def close_connections(pool: ThreadPoolExecutor) -> None:
    everyone = threading.Barrier(THREADS)

    def close(_: int) -> None:
        everyone.wait(30)
        connections.close_all()

    list(pool.map(close, range(THREADS)))


def spread_the_ends_of_the_holds(orders: list[Order]) -> None:
    """Let one order's hold end after the other's, so that each race is for one order."""
    for number, order in enumerate(orders):
        order.hold_expires_at = clock.now() + timedelta(hours=1, seconds=number)
    Order.objects.bulk_update(orders, ["hold_expires_at"])


def assert_one_winner(told: Counter[str], order: Order) -> str:
    """What every thread was told fits the status that the order has now. Returns that."""
    winner = status(order)
    assert OrderEvent.objects.filter(order=order).count() == 2
    assert told["expire 1"] == (winner == "expired")
    assert told[f"pay {State.APPLIED}"] == (winner == "paid")
    assert (told["cancel done"] > 0) == (winner == "cancelled")
    expected = {
        "paid": {f"pay {State.REPEATED}", "cancel paid", "cancel awaiting_payment"},
        # The first payment is to be served from what is left; the others are the same payment.
        "cancelled": {f"pay {State.PENDING}", f"pay {State.REPEATED}"},
        "expired": {f"pay {State.PENDING}", f"pay {State.REPEATED}", "cancel expired"},
    }[winner]
    winning = {"expire 0", "expire 1", "cancel done", f"pay {State.APPLIED}"}
    assert told.keys() <= expected | winning
    return winner


def test_of_payment_cancellation_and_expiry_exactly_one_wins(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    sale = make_sale("drop", {"TEE": ORDERS})
    orders = placed(sale, key, *(Request(f"k-{n}", customer=f"c-{n}") for n in range(ORDERS)))
    spread_the_ends_of_the_holds(orders)
    with ThreadPoolExecutor(THREADS) as pool:
        race = Race(pool, client)
        winners = Counter(assert_one_winner(race.run(order), order) for order in orders)
        close_connections(pool)
    assert winners.keys() == {"paid", "cancelled", "expired"}

    row = Allocation.objects.get()
    assert (row.held, row.sold) == (0, winners["paid"])
    assert reconcile(sale.pk, "drop").drift == 0
    # Late payments take what is free again: here, for each of them there is a unit.
    waiting = PaymentNotice.objects.filter(state=State.PENDING).count()
    settle_payments()
    release_stock(sale.pk)
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.drift, sku.held, sku.sold) == (0, 0, winners["paid"] + waiting)
    assert sku.available == ORDERS - sku.sold


def test_no_drift_at_any_moment_while_orders_are_paid_late_and_refunded(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": LATE})
    orders = placed(sale, api_key, *(Request(f"k-{n}", customer=f"c-{n}") for n in range(LATE)))
    spread_the_ends_of_the_holds(orders)
    over = threading.Event()
    found: list[int] = []

    def look_on() -> None:
        while not over.is_set():
            found.append(reconcile(sale.pk, "drop").drift)
        connections.close_all()

    def live(order: Order) -> None:
        assert order.hold_expires_at is not None
        expire_holds(now=order.hold_expires_at)
        release_stock(sale.pk)
        pay(order)
        settle_payments()
        connections.close_all()

    looking = threading.Thread(target=look_on)
    looking.start()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(live, orders))
    over.set()
    looking.join()
    assert len(found) > 5
    assert set(found) == {0}
    settle_payments()
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.drift, sku.available, sku.sold) == (0, 0, LATE)
