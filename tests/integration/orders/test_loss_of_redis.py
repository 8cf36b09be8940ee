"""Redis emptied, or an older copy of itself: noticed before an answer is given, and rebuilt.

What sets a restarted, restored or promoted server apart is its replication id. Here one server
plays them all; `test_failover.py` has real ones.
"""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from django.db import OperationalError, connection

from inventory import counters
from inventory.counters.keys import Keys
from inventory.errors import CountersLost
from inventory.models import Sale
from orders.errors import OrderLost
from orders.intake import reserving
from orders.intake.placing import Intake
from orders.models import ApiClient, LostOrder, Order
from orders.reads.selectors import find_order
from orders.reconciliation.compare import reconcile
from orders.reconciliation.rebuild import rebuild_stock
from orders.services.release import release_stock
from orders.services.verify_counters import Verified, verify_counters
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.life import pay, place, placed, refund
from tests.persisting import persist
from tests.placing import Request, document, headers, place_all

pytestmark = pytest.mark.django_db(transaction=True)

Copy = dict[bytes, bytes]


def copy_of(sale: Sale) -> Copy:
    """A sale's keys as they are now, as a snapshot or a lagging replica would have them."""
    keys = client().keys(f"{{sale:{sale.pk}}}:*")
    return {key: client().dump(key) for key in keys}


def restart(sale: Sale, copy: Copy | None = None) -> None:
    """Let Redis come back: with what it had, or with an older copy of it."""
    if copy is not None:
        client().delete(*Keys.of(sale.pk))
        for key, value in copy.items():
            client().restore(key, 0, value, replace=True)
    client().replicaof("127.0.0.1", 1)  # nothing listens there, so it keeps what it has
    client().replicaof("NO", "ONE")


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50})


def status_of_an_order(api_key: str, key: str = "new") -> int:
    [reply] = place_all(api_key, [Request(key, customer="eve")])
    return reply.status


def test_after_a_restart_that_lost_nothing_orders_go_on(sale: Sale, api_key: str) -> None:
    placed(sale, api_key, Request("k-1"))
    place_all(api_key, [Request("in-flight")])
    restart(sale)
    assert status_of_an_order(api_key) == 202
    persist(sale)
    assert reconcile(sale.pk, "drop").drift == 0


def test_a_copy_that_lacks_persisted_orders_is_not_asked(sale: Sale, api_key: str) -> None:
    placed(sale, api_key, Request("k-1"))
    older = copy_of(sale)
    placed(sale, api_key, *(Request(f"more-{n}") for n in range(5)))
    restart(sale, older)
    assert status_of_an_order(api_key) == 503
    assert status_of_an_order(api_key) == 503
    rebuild_stock(sale.pk)
    assert status_of_an_order(api_key) == 202
    persist(sale)
    [sku] = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.held, sku.drift) == (43, 7, 0)


def test_a_copy_that_lacks_releases_is_not_asked(sale: Sale, api_key: str) -> None:
    [order] = placed(sale, api_key, Request("k-1"))
    pay(order)
    older = copy_of(sale)
    refund(order)
    release_stock(sale.pk)
    restart(sale, older)
    assert status_of_an_order(api_key) == 503


def test_a_copy_that_lacks_what_only_this_process_knows_is_not_asked_either(
    sale: Sale, api_key: str
) -> None:
    older: Copy = {}

    async def steps(intake: Intake) -> list[int]:
        first = await order(intake, api_key, "k-1")
        older.update(copy_of(sale))
        second = await order(intake, api_key, "k-2")  # accepted, and not persisted
        restart(sale, older)
        third = await order(intake, api_key, "k-3")
        fourth = await order(intake, api_key, "k-2")
        return [first, second, third, fourth]

    assert in_one_process(steps) == [202, 202, 503, 503]
    # Nobody else is answered either: the counters are closed.
    assert status_of_an_order(api_key) == 503
    assert LostOrder.objects.filter(confirmed=False).count() == 2
    rebuilt = rebuild_stock(sale.pk)
    assert rebuilt.persisted == 1  # the older copy had the first one in its outbox
    lost = LostOrder.objects.get(confirmed=True)
    assert rebuilt.lost == [str(lost.pk)]
    with pytest.raises(OrderLost):
        find_order(lost.pk, client_id=lost.client_id)
    assert find_order(lost.pk, client_id=lost.client_id + 1) is None
    assert status_of_an_order(api_key, "k-2") == 202
    assert {row.request_key for row in Order.objects.all()} == {"k-1"}


def test_what_a_process_remembers_and_the_ledger_has_is_in_no_doubt(
    sale: Sale, api_key: str
) -> None:
    async def steps(intake: Intake) -> list[int]:
        told = [await order(intake, api_key, f"k-{n}") for n in range(3)]
        await asyncio.to_thread(_persist_all, sale)
        restart(sale, {})
        told.append(await order(intake, api_key, "new"))
        return told

    assert in_one_process(steps) == [202, 202, 202, 503]
    assert not LostOrder.objects.exists()
    assert rebuild_stock(sale.pk).lost == []


def test_what_was_in_the_outbox_of_a_fenced_sale_is_not_lost(sale: Sale, api_key: str) -> None:
    async def steps(intake: Intake) -> list[int]:
        told = [await order(intake, api_key, "k-1")]
        await asyncio.to_thread(counters.fence, sale.pk)
        told.append(await order(intake, api_key, "k-2"))
        return told

    assert in_one_process(steps) == [202, 503]
    assert LostOrder.objects.get().confirmed is False
    assert rebuild_stock(sale.pk).lost == []
    assert not LostOrder.objects.exists()


def _persist_all(sale: Sale) -> None:
    persist(sale)
    connection.close()


def test_of_an_order_that_redis_may_have_had_nobody_can_tell_until_it_is_rebuilt(
    sale: Sale, api_client: tuple[ApiClient, str]
) -> None:
    client_, key = api_client
    [order_id] = place(key, Request("k-1"))
    restart(sale, {})
    with pytest.raises(CountersLost):
        find_order(order_id, client_id=client_.pk)
    rebuild_stock(sale.pk)
    assert find_order(order_id, client_id=client_.pk) is None


def test_while_postgresql_is_away_the_outbox_tells_of_the_orders_in_it(
    sale: Sale, api_client: tuple[ApiClient, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client_, key = api_client
    [persisted] = placed(sale, key, Request("k-1"))
    [waiting] = place(key, Request("k-2"))

    def away(*_: object) -> None:
        raise OperationalError("PostgreSQL is away")

    monkeypatch.setattr("orders.reads.selectors._persisted", away)
    view = find_order(waiting, client_id=client_.pk)
    assert view is not None
    assert view.status == "accepted"
    with pytest.raises(OperationalError):
        find_order(persisted.pk, client_id=client_.pk)


def test_refusals_of_an_earlier_version_are_gone_in_minutes_also_of_a_sale_that_nobody_asks(
    sale: Sale,
) -> None:
    old = Keys.of(sale.pk).refusals
    client().hset(old, "day", "19000")
    client().pexpire(old, 48 * 3_600_000)
    verify_counters()
    assert 0 < client().pttl(old) <= 240_000


def test_an_emptied_redis_answers_503_until_it_is_rebuilt(sale: Sale, api_key: str) -> None:
    placed(sale, api_key, Request("k-1"))
    restart(sale, {})
    assert status_of_an_order(api_key) == 503
    assert verify_counters().closed == ["drop"]
    rebuild_stock(sale.pk)
    assert verify_counters().closed == []
    [replayed] = place_all(api_key, [Request("k-1")])
    assert (replayed.status, document(replayed)["id"]) == (202, str(Order.objects.get().pk))


def test_while_the_ledger_is_away_a_restarted_redis_is_not_trusted(
    sale: Sale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(sale, api_key, Request("k-1"))
    restart(sale)

    def away() -> None:
        raise OperationalError("PostgreSQL is away")

    with monkeypatch.context() as patched:
        patched.setattr(reserving, "verify_counters", away)
        assert status_of_an_order(api_key) == 503
    assert status_of_an_order(api_key) == 202


def test_the_ledger_is_asked_once_however_many_orders_wait(
    sale: Sale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed(sale, api_key, Request("k-1"))
    restart(sale)
    asked = []

    def count() -> Verified:
        asked.append(1)
        return verify_counters()

    monkeypatch.setattr(reserving, "verify_counters", count)
    replies = place_all(api_key, [Request(f"m-{n}") for n in range(40)])
    assert {reply.status for reply in replies} == {202}
    assert len(asked) == 1


def in_one_process(steps: Callable[[Intake], Awaitable[list[int]]]) -> list[int]:
    """Take several steps in the life of one intake."""

    async def live() -> list[int]:
        intake = Intake()
        try:
            told = await steps(intake)
            await intake.recent_accepts.reported()
            return told
        finally:
            await intake.close()

    return asyncio.run(live())


async def order(intake: Intake, api_key: str, key: str) -> int:
    reply = await intake.place_order(headers(api_key, key), Request(key).body())
    return reply.status
