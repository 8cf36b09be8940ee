"""From the outbox into the ledger: each order once, whatever happens in between."""

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError, connection
from pytest_django import Settings

from inventory import outbox
from inventory.counters.keys import Keys
from inventory.models import Allocation, StockMovement
from orders.errors import LetterResolved
from orders.models import ApiClient, DeadLetter, Order, OrderEvent, OrderLine
from orders.persistence import dead_letter_actions
from orders.persistence import drain as service
from orders.persistence.drain import drain, persist_entries
from orders.reads.selectors import find_order
from orders.reconciliation.compare import reconcile
from orders.services import dead_letters
from orders.services.release import release_stock, sales_to_release
from shop.core.stores.locks import try_alone
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.factories import accepted_entry, dead_letter, persisted_order
from tests.persisting import backlog, persist
from tests.placing import Request, document, place_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def storefront(api_client: tuple[ApiClient, str]) -> ApiClient:
    return api_client[0]


def requests(count: int, **changes: Any) -> list[Request]:
    return [Request(f"k-{n}", customer=f"c-{n}", **changes) for n in range(count)]


def test_an_order_becomes_four_kinds_of_rows_in_one_transaction(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50, "CAP": 10})
    extra = {"email": "ada@example.com", "metadata": {"basket": [1, None, "ü"]}}
    (reply,) = place_all(api_key, [Request("k-1", lines={"TEE": 2, "CAP": 1}, extra=extra)])
    persist(sale)

    order = Order.objects.get()
    assert str(order.pk) == document(reply)["id"]
    assert (order.status, order.request_key, order.customer) == ("awaiting_payment", "k-1", "ada")
    assert (order.email, order.metadata) == ("ada@example.com", json.dumps(extra["metadata"]))
    assert str(order.total) == "37.5000"
    assert order.hold_expires_at is not None
    lines = OrderLine.objects.values_list("allocation__product__sku", "quantity")
    assert dict(lines) == {"TEE": 2, "CAP": 1}
    movements = StockMovement.objects.filter(order_id=order.pk)
    assert sorted(movements.values_list("kind", "held", "sold")) == [("hold", 1, 0), ("hold", 2, 0)]
    assert list(OrderEvent.objects.values_list("sequence", "type")) == [(1, "order.placed")]
    assert dict(Allocation.objects.values_list("product__sku", "held")) == {"TEE": 2, "CAP": 1}


def test_an_entry_that_comes_twice_is_one_order(make_sale: MakeSale, storefront: ApiClient) -> None:
    sale = make_sale("drop", {"TEE": 50})
    entry = accepted_entry(sale, storefront)
    for _ in range(3):
        persist_entries(sale.pk, [entry, entry])
    assert Order.objects.count() == OrderLine.objects.count() == OrderEvent.objects.count() == 1
    assert Allocation.objects.get().held == 1


def test_a_batch_is_written_in_order_of_position_whatever_order_it_came_in(
    make_sale: MakeSale, storefront: ApiClient
) -> None:
    sale = make_sale("drop", {"TEE": 500})
    entries = [accepted_entry(sale, storefront) for _ in range(20)]
    persist_entries(sale.pk, entries[::-1])
    written = OrderLine.objects.order_by("pk").values_list("order__position", flat=True)
    assert list(written) == [entry.position for entry in entries]


def test_after_a_drain_the_next_order_rings_again(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(1))
    assert client().exists(Keys.of(sale.pk).wakeup)
    persist(sale)
    assert not client().exists(Keys.of(sale.pk).wakeup)


def test_one_batch_persisted_by_two_workers_at_once_is_persisted_once(
    make_sale: MakeSale, storefront: ApiClient
) -> None:
    sale = make_sale("drop", {"TEE": 500, "CAP": 500})
    entries = [
        accepted_entry(sale, storefront, {"TEE": 1, "CAP": 1} if n % 2 else {"CAP": 1})
        for n in range(200)
    ]

    def work(batch: list[outbox.Entry]) -> None:
        try:
            persist_entries(sale.pk, batch)
        finally:
            connection.close()

    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(work, batch) for batch in (entries, entries[::-1], entries)]:
            done.result()
    assert Order.objects.count() == 200
    assert dict(Allocation.objects.values_list("product__sku", "held")) == {"TEE": 100, "CAP": 200}
    assert not DeadLetter.objects.exists()


def test_what_a_dead_worker_had_taken_is_taken_over(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(7))
    assert len(outbox.read_new(sale.pk, consumer="dead", count=5)) == 5
    settings.PERSIST_CLAIM_IDLE_MS = 0
    assert persist(sale) == 7
    assert Order.objects.count() == 7
    assert backlog(sale) == 0
    assert client().hlen(Keys.of(sale.pk).pending) == 0


def test_what_a_live_worker_has_taken_is_left_to_it(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(7))
    outbox.read_new(sale.pk, consumer="busy", count=5)
    assert persist(sale) == 2


def test_a_worker_that_dies_between_commit_and_acknowledgement_costs_nothing(
    make_sale: MakeSale, api_key: str, settings: Settings
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(3))
    persist_entries(sale.pk, outbox.read_new(sale.pk, consumer="dead", count=5))
    settings.PERSIST_CLAIM_IDLE_MS = 0
    assert persist(sale) == 3
    assert Order.objects.count() == 3
    assert reconcile(sale.pk, "drop").drift == 0


def test_while_postgresql_is_away_the_entries_stay(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(3))
    with monkeypatch.context() as patch:

        def away(*_: object, **__: object) -> None:
            raise OperationalError("the server closed the connection unexpectedly")

        patch.setattr(service, "persist_batch", away)
        with pytest.raises(OperationalError):
            persist(sale)
    # They were given back, so nobody has to wait until their consumer is taken for dead.
    assert drain(sale.pk, consumer="another", out_of_time=lambda: False) == 3


def test_the_ledger_refuses_what_it_has_no_units_for_and_redis_gets_them_back(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5, "CAP": 50}, limit=10)
    # As if Redis had counted wrong: it believes in four units more than there are.
    client().hincrby(Keys.of(sale.pk).stock, str(Allocation.objects.get(product__sku="TEE").pk), 4)
    replies = place_all(api_key, requests(9, lines={"TEE": 1, "CAP": 1}))
    assert {reply.status for reply in replies} == {202}
    persist(sale)

    assert Order.objects.filter(status="awaiting_payment").count() == 5
    refused = Order.objects.filter(status="rejected")
    assert refused.count() == 4
    # First come, first served: the refused ones are those that were accepted last.
    assert set(refused) == set(Order.objects.order_by("-position")[:4])
    assert set(OrderEvent.objects.filter(order__in=refused).values_list("sequence", "type")) == {
        (1, "order.rejected")
    }
    assert not StockMovement.objects.filter(order_id__in=refused).exists()
    tee = Allocation.objects.get(product__sku="TEE")
    assert (tee.held, tee.allocated) == (5, 5)

    assert release_stock(sale.pk) == 4
    assert release_stock(sale.pk) == 0
    client().hincrby(Keys.of(sale.pk).stock, str(tee.pk), -4)
    assert reconcile(sale.pk, "drop").drift == 0
    assert client().hlen(Keys.of(sale.pk).limits) == 5


def test_a_request_that_the_ledger_knows_under_another_order_id_is_rejected(
    make_sale: MakeSale, storefront: ApiClient
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    first = persisted_order(sale, storefront, key="k-1")
    second = persisted_order(sale, storefront, key="k-1")
    assert first.status == "awaiting_payment"
    assert (second.status, second.rejection) == ("rejected", "request-reused")
    assert Allocation.objects.get().held == 1


def test_one_request_id_in_two_sales_is_two_orders(
    make_sale: MakeSale, storefront: ApiClient
) -> None:
    sales = make_sale("drop", {"TEE": 5}), make_sale("other", {"TEE": 5})
    orders = [persisted_order(sale, storefront, key="k-1") for sale in sales]
    assert [order.status for order in orders] == ["awaiting_payment"] * 2


def test_two_orders_of_one_request_in_one_batch_are_one_order_and_one_rejection(
    make_sale: MakeSale, storefront: ApiClient
) -> None:
    sale = make_sale("drop", {"TEE": 5})
    persist_entries(sale.pk, [accepted_entry(sale, storefront, key="k-1") for _ in range(2)])
    assert sorted(Order.objects.values_list("status", flat=True)) == [
        "awaiting_payment",
        "rejected",
    ]
    assert Allocation.objects.get().held == 1


UNPERSISTABLE = {
    "a NUL in a text": {"customer": "a\0b"},
    "a NUL in metadata": {"metadata": {"a": "\0"}},
    "a text that is too long": {"request_key": "k" * 300},
    "a client that does not exist": {"client_id": 999_999_999},
    "a number that is too large": {"client_id": 2**63 - 1},
    "no lines": {"lines": {}},
    "another sale": {"sale_id": 16_000_000},
}


@pytest.mark.parametrize("case", UNPERSISTABLE)
def test_a_record_that_cannot_be_persisted_blocks_nobody(
    case: str, make_sale: MakeSale, storefront: ApiClient
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    entries = [accepted_entry(sale, storefront) for _ in range(9)]
    bad = accepted_entry(sale, storefront, key="k-bad", **UNPERSISTABLE[case])
    entries.insert(4, bad)
    persist_entries(sale.pk, entries)
    persist_entries(sale.pk, entries)
    assert Order.objects.count() == 9
    letter = DeadLetter.objects.get()
    assert letter.entry_id == bad.entry_id.decode()
    assert letter.reason
    assert letter.detail


@pytest.mark.parametrize("payload", [b"", b"garbage", b"\xff" * 50, b"\x91\xc4"])
def test_an_entry_that_nobody_can_read_is_a_dead_letter(
    payload: bytes, make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(2))
    client().xadd(Keys.of(sale.pk).outbox, {"o": payload, "t": 1, "h": 1, "e": 1})
    client().xadd(Keys.of(sale.pk).outbox, {"something": "else"})
    assert persist(sale) == 4
    assert Order.objects.count() == 2
    assert set(DeadLetter.objects.values_list("reason", flat=True)) == {"unreadable"}
    assert backlog(sale) == 0


def test_a_dead_letter_is_replayed_once_its_cause_is_gone(
    make_sale: MakeSale, api_client: tuple[ApiClient, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_client[1], requests(1))
    with monkeypatch.context() as patch:

        def refuse(*_: object, **__: object) -> None:
            raise IntegrityError("some constraint")

        patch.setattr(service, "persist_batch", refuse)
        persist(sale)
    letter = DeadLetter.objects.get()
    (before,) = reconcile(sale.pk, "drop").skus
    assert (before.available, before.in_flight, before.drift) == (49, 1, 0)

    assert dead_letter_actions.replay(letter)
    assert Order.objects.get().pk == letter.order_id
    assert DeadLetter.objects.get().resolution == "persisted"
    (after,) = reconcile(sale.pk, "drop").skus
    assert (after.held, after.in_flight, after.drift) == (1, 0, 0)


def test_a_dead_letter_that_is_given_up_releases_its_stock_once(
    make_sale: MakeSale, api_client: tuple[ApiClient, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_client[1], requests(1, lines={"TEE": 3}))
    with monkeypatch.context() as patch:

        def refuse(*_: object, **__: object) -> None:
            raise IntegrityError("some constraint")

        patch.setattr(service, "persist_batch", refuse)
        persist(sale)
    letter = DeadLetter.objects.get()
    dead_letter_actions.reject(letter)
    (before,) = reconcile(sale.pk, "drop").skus
    assert (before.available, before.in_flight, before.drift) == (47, 3, 0)
    assert sales_to_release() == [sale.pk]
    assert [release_stock(sale.pk), release_stock(sale.pk)] == [1, 0]
    (after,) = reconcile(sale.pk, "drop").skus
    assert (after.available, after.in_flight, after.drift) == (50, 0, 0)
    assert sales_to_release() == []


def test_a_dead_letter_is_resolved_once_whoever_comes_first(
    make_sale: MakeSale, storefront: ApiClient
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    letters = [dead_letter(sale, storefront) for _ in range(12)]

    def resolve(action: Callable[[DeadLetter], object], letter: DeadLetter) -> bool:
        try:
            action(DeadLetter.objects.get(pk=letter.pk))
        except LetterResolved:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        done = [
            pool.submit(resolve, action, letter)
            for letter in letters
            for action in (
                dead_letter_actions.replay,
                dead_letter_actions.reject,
                dead_letter_actions.replay,
                dead_letter_actions.reject,
            )
        ]
        assert sum(one.result() for one in done) == len(letters)
    rejected = DeadLetter.objects.filter(resolution="rejected").values_list("order_id", flat=True)
    persisted = Order.objects.values_list("pk", flat=True)
    assert set(rejected).isdisjoint(persisted)
    assert len(rejected) + len(persisted) == 12


def test_an_order_that_a_cut_off_replay_has_persisted_cannot_be_given_up(
    make_sale: MakeSale, storefront: ApiClient
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    letter = dead_letter(sale, storefront)
    persist_entries(sale.pk, [dead_letters.entry_of(letter)])
    with pytest.raises(LetterResolved, match="persisted"):
        dead_letter_actions.reject(letter)
    letter.refresh_from_db()
    assert letter.resolution == "persisted"


def test_the_ledger_is_append_only(make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 50})
    with pytest.raises(IntegrityError, match="append-only"):
        StockMovement.objects.update(allocated=1)
    with pytest.raises(IntegrityError, match="append-only"):
        StockMovement.objects.all()._raw_delete("default")


def test_the_database_itself_refuses_negative_and_oversold_stock(make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 50})
    for change in ({"held": -1}, {"sold": -1}, {"held": 30, "sold": 21}, {"allocated": -1}):
        with pytest.raises(IntegrityError, match="allocation_never_oversold"):
            Allocation.objects.update(**change)


def test_order_ids_lead_to_their_sale_before_and_after_persistence(
    make_sale: MakeSale, api_client: tuple[ApiClient, str]
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    storefront, key = api_client
    (reply,) = place_all(key, requests(1, extra={"metadata": {"a": [1.5, "x"]}}))
    placed = document(reply)
    order_id = UUID(placed["id"])
    seen = find_order(order_id, client_id=storefront.pk)
    assert seen is not None
    assert find_order(order_id, client_id=storefront.pk + 1) is None
    persist(sale)
    later = find_order(order_id, client_id=storefront.pk)
    assert later is not None
    assert find_order(order_id, client_id=storefront.pk + 1) is None
    assert (seen.status, later.status) == ("accepted", "awaiting_payment")
    for view in (seen, later):
        assert json.loads(bytes(view.metadata)) == placed["metadata"]
        assert (view.total, view.created_at) == (placed["total"], placed["created_at"])
        assert view.hold_expires_at == placed["hold_expires_at"]


def test_orders_of_a_dead_worker_are_taken_over_though_the_clock_of_redis_was_put_back(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(3))
    an_hour_ahead = (client().time()[0] + 3600) * 1000
    keys = Keys.of(sale.pk)
    entries = outbox.read_new(sale.pk, consumer="dead", count=10)
    client().xclaim(
        keys.outbox,
        "persist",
        "dead",
        0,
        [entry.entry_id for entry in entries],
        time=an_hour_ahead,
        justid=True,
    )
    place_all(api_key, requests(4))  # before Redis' clock was put back, by its look
    client().xadd(keys.outbox, {"o": b"x"}, id=f"{an_hour_ahead}-0")
    client().xdel(keys.outbox, f"{an_hour_ahead}-0")

    persist(sale)
    assert Order.objects.count() == 4
    assert backlog(sale) == 0


def test_orders_of_a_living_worker_are_left_to_it(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(3))
    outbox.read_new(sale.pk, consumer="busy", count=10)
    persist(sale)
    assert (Order.objects.count(), backlog(sale)) == (0, 3)


def test_a_drain_that_keeps_up_is_left_alone(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(3))
    with another_drain(sale.pk):
        assert drain_beside(sale.pk) == 0
        assert backlog(sale) == 3
    assert drain_beside(sale.pk) == 3


@pytest.mark.parametrize("late", ["many wait", "one waits long"])
def test_a_drain_that_falls_behind_is_joined(
    make_sale: MakeSale,
    api_key: str,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    late: str,
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, requests(3))
    if late == "many wait":
        settings.PERSIST_BATCH = 3
    else:
        monkeypatch.setattr(service, "LATE_MS", 0)
    with another_drain(sale.pk):
        assert drain_beside(sale.pk) == 3
    assert backlog(sale) == 0


def drain_beside(sale_id: int) -> int:
    return service.drain_unless_others_do(
        sale_id, consumer="test", out_of_time=lambda: backlog_is_empty(sale_id)
    )


def backlog_is_empty(sale_id: int) -> bool:
    return not outbox.backlogs([sale_id])[sale_id]


@contextmanager
def another_drain(sale_id: int) -> Iterator[None]:
    """Somebody else drains this sale."""
    with ThreadPoolExecutor(1) as elsewhere:
        held, over = threading.Event(), threading.Event()

        def hold() -> None:
            try:
                with try_alone("drain", sale_id) as alone:
                    assert alone
                    held.set()
                    over.wait(30)
            finally:
                connection.close()

        holding = elsewhere.submit(hold)
        assert held.wait(30)
        try:
            yield
        finally:
            over.set()
            holding.result()
