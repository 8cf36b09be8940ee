"""A comparison that goes on from a checkpoint finds what one finds that reads everything."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from inventory import counters, outbox
from inventory.counters.keys import Keys
from inventory.models import Allocation, Sale
from inventory.reservation import Release, second_hold
from inventory.services.receive_stock import receive_stock
from orders.errors import LetterResolved, NotCancellable, OrderUnknown, Unpersistable
from orders.models import (
    ApiClient,
    DeadLetter,
    Order,
    OrderLine,
    PaymentNotice,
    ReconciliationCheckpoint,
)
from orders.payments.late import settle_payments
from orders.persistence import dead_letter_actions
from orders.reconciliation import compare as comparing
from orders.reconciliation import in_transit
from orders.reconciliation.compare import reconcile
from orders.reconciliation.rebuild import rebuild_stock
from orders.services import dead_letters
from orders.services.clients import create_client
from orders.services.holds import cancel_order, expire_holds
from orders.services.release import release_stock
from shop.core import clock
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.examples import share_of
from tests.life import pay, refund
from tests.persisting import persist
from tests.placing import Request, place_all

pytestmark = pytest.mark.django_db(transaction=True)

RELEASED = ("cancelled", "expired", "rejected", "refunded")
_runs = count(1)


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if so many orders were always on their way that they cannot be read."""
    monkeypatch.setattr(in_transit, "FEW", -1)
    monkeypatch.setattr(comparing, "PAUSES", (0.0,))


def cancel(*keys: str) -> None:
    for order in Order.objects.filter(request_key__in=keys):
        cancel_order(order.pk, client_id=order.client_id)


def orders(sale: Sale, api_key: str, number: int) -> None:
    requests = [Request(f"k-{n}", customer=f"c-{n}", sale=sale.slug) for n in range(number)]
    assert {reply.status for reply in place_all(api_key, requests)} == {202}
    persist(sale)


def release_and_die(sale: Sale, orders: list[Order]) -> None:
    """Release orders in Redis as a worker that is killed before it can note it."""
    releases = [Release(release_id(order), order.customer, units(order)) for order in orders]
    counters.release(
        *(sale.pk, sale.slug), epoch=sale.epoch, server=counters.server(), releases=releases
    )


def release_id(order: Order) -> bytes:
    """The id under which an order gives its stock back in Redis."""
    return order.pk.bytes if order.gap_end is None else second_hold(order.pk.bytes)


def units(order: Order) -> list[tuple[int, int]]:
    return list(OrderLine.objects.filter(order=order).values_list("allocation_id", "quantity"))


# --- The same result ----------------------------------------------------------------------------


class Steps(RuleBasedStateMachine):
    """The product's steps, and the deaths of its workers between two stores, in any order."""

    make_sale: MakeSale
    client: ApiClient
    api_key: str

    def __init__(self) -> None:
        super().__init__()
        self.sale = self.make_sale(f"steps-{next(_runs)}", {"TEE": 12, "CAP": 6})
        self.numbers = count(1)
        self.tampered = 0

    @rule(lines=st.dictionaries(st.sampled_from(["TEE", "CAP"]), st.integers(1, 3), min_size=1))
    def place(self, lines: dict[str, int]) -> None:
        key = f"{self.sale.slug}-{next(self.numbers)}"
        place_all(self.api_key, [Request(key, sale=self.sale.slug, lines=lines)])

    @rule()
    def persist_orders(self) -> None:
        persist(self.sale)

    @rule(acknowledged=st.booleans())
    def dead_letter_exhausted(self, acknowledged: bool) -> None:
        for entry in outbox.read_new(self.sale.pk, consumer="test", count=1):
            dead_letters.keep(self.sale.pk, entry, Unpersistable("test", ""))
            if acknowledged:
                record = dead_letters.record_in(entry)
                assert record is not None
                outbox.acknowledge(self.sale.pk, [entry.entry_id], [record.order_id])

    @rule(replayed=st.booleans())
    def deal_with_a_letter(self, replayed: bool) -> None:
        for letter in DeadLetter.objects.filter(sale=self.sale, resolution="")[:1]:
            try:
                (dead_letter_actions.replay if replayed else dead_letter_actions.reject)(letter)
            except LetterResolved:
                pass

    @rule(which=st.integers(0, 5))
    def pay(self, which: int) -> None:
        for order in self.of("awaiting_payment", "cancelled", "expired")[which : which + 1]:
            pay(order, reference=f"p-{next(self.numbers)}-{self.sale.pk}")

    @rule(which=st.integers(0, 5))
    def refund(self, which: int) -> None:
        for order in self.of("paid")[which : which + 1]:
            paid = PaymentNotice.objects.filter(order_id=order.pk, state="applied").first()
            refund(order, reference=paid.reference if paid else "none")

    @rule(which=st.integers(0, 5))
    def cancel(self, which: int) -> None:
        for order in self.of("awaiting_payment")[which : which + 1]:
            try:
                cancel_order(order.pk, client_id=order.client_id)
            except (OrderUnknown, NotCancellable):
                pass

    @rule()
    def end_holds(self) -> None:
        expire_holds(now=clock.now() + timedelta(hours=1))

    @rule()
    def settle(self) -> None:
        settle_payments()

    @rule()
    def release(self) -> None:
        release_stock(self.sale.pk)

    @rule(most=st.integers(1, 3))
    def release_and_die(self, most: int) -> None:
        unnoted = [order for order in self.of(*RELEASED) if order.release_place is None]
        release_and_die(self.sale, unnoted[-most:])

    @rule()
    def retake_and_die(self) -> None:
        late = PaymentNotice.objects.filter(state="pending", type="succeeded")
        for order in self.of("cancelled", "expired"):
            notice = late.filter(order_id=order.pk).exists()
            if notice and order.gap_end is None:
                again = Release(order.pk.bytes, order.customer, units(order))
                counters.reacquire(
                    self.sale.pk,
                    self.sale.slug,
                    epoch=self.sale.epoch,
                    server=counters.server(),
                    order=again,
                    place=order.release_place,
                )
                return

    @rule()
    def rebuild(self) -> None:
        rebuild_stock(self.sale.pk)
        # What was tampered with is no more: the counters are what the ledger says.
        self.sale.refresh_from_db()
        self.tampered = 0

    @rule()
    def add_stock(self) -> None:
        self.sale.refresh_from_db()
        row = Allocation.objects.filter(sale=self.sale).first()
        assert row is not None
        receive_stock(self.sale, version=self.sale.version, now=clock.now(), units={row.pk: 2})

    @rule(units=st.integers(-1, 1))
    def change_a_counter(self, units: int) -> None:
        row = Allocation.objects.filter(sale=self.sale).first()
        assert row is not None
        counters.adjust_available(self.sale.pk, row.pk, units, server=counters.server())
        self.tampered += units

    @invariant()
    def both_ways_find_the_same(self) -> None:
        compared = comparing._compare(self.sale.pk, self.sale.slug, thorough=True)
        assert compared is not None
        thorough = compared.found
        assert thorough.drift == abs(self.tampered)
        # Where it can tell, and finds no drift, the quick way has to be right by itself.
        quick = comparing._compare(self.sale.pk, self.sale.slug, thorough=False)
        if quick and not quick.found.drift:
            assert quick.found == thorough
        assert reconcile(self.sale.pk, self.sale.slug) == thorough

    def of(self, *statuses: str) -> list[Order]:
        found = Order.objects.filter(sale=self.sale, status__in=statuses)
        return list(found.order_by("position"))


@pytest.mark.usefixtures("many")
def test_going_on_from_a_checkpoint_finds_what_reading_everything_finds(
    make_sale: MakeSale,
) -> None:
    Steps.make_sale = staticmethod(make_sale)
    Steps.client, Steps.api_key = create_client(name="storefront")
    run_state_machine_as_test(
        Steps,
        settings=settings(
            max_examples=share_of(12),
            stateful_step_count=25,
            suppress_health_check=[*HealthCheck],
        ),
    )


# --- At its cost --------------------------------------------------------------------------------


@pytest.mark.usefixtures("many")
def test_what_is_on_its_way_is_not_read_again(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    orders(sale, api_key, 12)
    reconcile(sale.pk, "drop")
    cancel("k-1", "k-2", "k-3")
    release_stock(sale.pk)
    cancel("k-4", "k-5")
    monkeypatch.setattr(in_transit, "by_orders", refuse)

    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.held, sku.drift) == (41, 9, 0)
    release_stock(sale.pk)
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.held, sku.drift) == (43, 7, 0)


def refuse(*_: Any, **__: Any) -> None:
    raise AssertionError("all that is on its way was read")


def test_a_comparison_takes_as_many_queries_however_many_orders_are_on_their_way(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    orders(sale, api_key, 30)
    taken = []
    for keys in ([], ["k-1"], [f"k-{n}" for n in range(2, 30)]):
        cancel(*keys)
        reconcile(sale.pk, "drop")
        with CaptureQueriesContext(
            connection,
        ) as queries:
            [sku] = reconcile(sale.pk, "drop").skus
        assert (sku.held, sku.drift) == (30, 0)
        taken.append(len(queries))
    assert taken[0] == taken[1] == taken[2]


def test_a_rebuild_begins_with_a_checkpoint_of_its_own(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    orders(sale, api_key, 6)
    cancel("k-1")
    release_stock(sale.pk)
    cancel("k-2")
    client().flushdb()
    rebuild_stock(sale.pk)
    cancel("k-3")
    monkeypatch.setattr(in_transit, "FEW", -1)
    monkeypatch.setattr(in_transit, "by_orders", refuse)
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.held, sku.drift) == (46, 4, 0)


# --- Checkpoints that are wrong -----------------------------------------------------------------


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize(
    "wrong",
    [
        {"offsets": {}},
        {"offsets": {"1": 7}},
        {"releases": 0},
        {"releases": 10**12},
        {"epoch": 9},
    ],
)
def test_a_wrong_checkpoint_costs_a_reading_and_no_false_alarm(
    make_sale: MakeSale, api_key: str, wrong: dict[str, Any]
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    orders(sale, api_key, 8)
    cancel("k-1", "k-2")
    release_stock(sale.pk)
    cancel("k-3")
    reconcile(sale.pk, "drop")
    row = Allocation.objects.get()
    if "offsets" in wrong:
        wrong = {"offsets": {str(row.pk): units for units in wrong["offsets"].values()}}
    before = ReconciliationCheckpoint.objects.values().get()
    ReconciliationCheckpoint.objects.update(**wrong)

    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.held, sku.drift) == (44, 6, 0)
    after = ReconciliationCheckpoint.objects.values().get()
    assert (after["releases"], after["offsets"]) == (before["releases"], before["offsets"])


@pytest.mark.usefixtures("many")
def test_drift_is_found_however_many_orders_are_on_their_way(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    orders(sale, api_key, 8)
    cancel("k-1", "k-2")
    reconcile(sale.pk, "drop")
    Allocation.objects.update(held=F("held") - 1)
    assert reconcile(sale.pk, "drop").drift == 1
    Allocation.objects.update(held=F("held") + 1)
    assert reconcile(sale.pk, "drop").drift == 0
    counters.adjust_available(sale.pk, Allocation.objects.get().pk, 3, server=counters.server())
    assert reconcile(sale.pk, "drop").drift == 3


def test_an_order_that_someone_released_past_its_stock_row_drifts(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    orders(sale, api_key, 3)
    reconcile(sale.pk, "drop")
    Order.objects.filter(request_key="k-1").update(status="cancelled")
    assert reconcile(sale.pk, "drop").drift == 1
    release_stock(sale.pk)
    assert reconcile(sale.pk, "drop").drift == 1


@pytest.mark.usefixtures("many")
def test_everything_is_read_again_from_time_to_time(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    orders(sale, api_key, 3)
    reconcile(sale.pk, "drop")
    Order.objects.filter(request_key="k-1").update(status="cancelled")  # past its stock row
    ReconciliationCheckpoint.objects.update(thorough_at=clock.now() - comparing.THOROUGH_EVERY)
    assert reconcile(sale.pk, "drop").drift == 1


def test_a_release_whose_worker_died_is_found_among_many(
    make_sale: MakeSale, api_key: str, many: None
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    orders(sale, api_key, 6)
    reconcile(sale.pk, "drop")
    cancel("k-1", "k-2", "k-3")
    release_and_die(sale, list(Order.objects.filter(request_key="k-2")))
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.held, sku.drift) == (45, 5, 0)
    release_stock(sale.pk)
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.held, sku.drift) == (47, 3, 0)


def test_an_entry_that_is_rejected_and_still_in_the_outbox_counts_once(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, [Request("k-1")])
    [entry] = outbox.read_new(sale.pk, consumer="dies", count=1)
    dead_letters.keep(sale.pk, entry, Unpersistable("test", ""))
    assert [sku.in_flight for sku in reconcile(sale.pk, "drop").skus] == [1]
    dead_letter_actions.reject(DeadLetter.objects.get())
    assert [sku.in_flight for sku in reconcile(sale.pk, "drop").skus] == [1]
    release_stock(sale.pk)
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.in_flight, sku.drift) == (50, 0, 0)
    assert client().xlen(Keys.of(sale.pk).outbox) == 1


def test_a_dead_letter_that_became_an_order_after_all_is_rebuilt_once(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, [Request("k-1")])
    [entry] = outbox.read_new(sale.pk, consumer="dies", count=1)
    dead_letters.keep(sale.pk, entry, Unpersistable("test", ""))
    rebuild_stock(sale.pk)  # drains the outbox: this time the entry can be persisted
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.held, sku.drift) == (49, 1, 0)


def test_a_ledger_that_cannot_be_written_is_compared_all_the_same(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    orders(sale, api_key, 3)
    with connection.cursor() as cursor:
        cursor.execute("SET default_transaction_read_only = on")
        try:
            assert reconcile(sale.pk, "drop").drift == 0
        finally:
            cursor.execute("SET default_transaction_read_only = off")
    assert not ReconciliationCheckpoint.objects.exists()
