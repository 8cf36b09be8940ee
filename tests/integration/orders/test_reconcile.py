"""Reconciliation and rebuild, against real servers."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models import F

from inventory import counters, outbox
from inventory.counters.keys import Keys
from inventory.models import Allocation, Sale
from orders.models import Order
from orders.reconciliation.compare import reconcile
from orders.reconciliation.rebuild import rebuild_stock
from orders.reconciliation.repair import repair
from orders.services.release import release_stock
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.persisting import persist
from tests.placing import Request, document, header, place_all

pytestmark = pytest.mark.django_db(transaction=True)


def orders(count: int, prefix: str = "k") -> list[Request]:
    return [Request(f"{prefix}-{n}", customer=f"c-{n}") for n in range(count)]


def test_units_are_in_flight_until_they_are_persisted(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, orders(20))
    (before,) = reconcile(sale.pk, "drop").skus
    persist(sale)
    (after,) = reconcile(sale.pk, "drop").skus
    assert (before.available, before.in_flight, before.held, before.drift) == (30, 20, 0, 0)
    assert (after.available, after.in_flight, after.held, after.drift) == (30, 0, 20, 0)


def test_a_unit_missing_in_redis_is_found_and_repaired(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 50, "CAP": 10})
    place_all(api_key, orders(5))
    persist(sale)
    cap = Allocation.objects.get(product__sku="CAP")
    counters.adjust_available(sale.pk, cap.pk, -3, server=counters.server())

    assert {sku.sku: sku.drift for sku in reconcile(sale.pk, "drop").skus} == {"TEE": 0, "CAP": 3}
    repair(sale.pk, "drop")
    assert reconcile(sale.pk, "drop").drift == 0


def test_there_is_no_drift_at_any_moment_while_orders_flow(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 5000, "CAP": 300}, limit=3)
    found: list[int] = []
    with persisting_meanwhile(sale):
        for round_ in range(12):
            requests = [
                Request(
                    f"k-{round_}-{n}", customer=f"c-{round_}-{n % 40}", lines={"TEE": 2, "CAP": 1}
                )
                for n in range(100)
            ]
            placing = threading.Thread(target=place_all, args=(api_key, requests))
            placing.start()
            while placing.is_alive():
                found.append(reconcile(sale.pk, "drop").drift)
            placing.join()
    assert found
    assert set(found) == {0}
    persist(sale)
    assert reconcile(sale.pk, "drop").drift == 0
    assert Order.objects.count() == 300  # as many as there are caps


def test_what_happens_between_the_readings_is_taken_back(
    make_sale: MakeSale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, orders(10))
    persist(sale)
    place_all(api_key, orders(3, prefix="in-flight"))
    read_entries = outbox.entries_up_to

    def meanwhile(*arguments: int) -> list[outbox.Entry]:
        entries = list(read_entries(*arguments))
        place_all(api_key, orders(5, prefix="later"))
        persist(sale)
        cancelled = Order.objects.filter(request_key__in=["k-1", "k-2", "later-1"])
        assert cancelled.update(status="cancelled") == 3
        Allocation.objects.update(held=F("held") - 3)
        release_stock(sale.pk)
        return entries

    monkeypatch.setattr(outbox, "entries_up_to", meanwhile)
    (seen,) = reconcile(sale.pk, "drop").skus
    # As it was when Redis was read: ten held, and three that the ledger has got only since then.
    assert (seen.available, seen.in_flight + seen.held, seen.drift) == (37, 13, 0)
    monkeypatch.undo()
    (now,) = reconcile(sale.pk, "drop").skus
    assert (now.available, now.in_flight, now.held, now.drift) == (35, 0, 15, 0)


def test_a_release_that_redis_has_made_and_nobody_has_noted_yet_is_counted(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    place_all(api_key, orders(4))
    persist(sale)
    Order.objects.filter(request_key__in=["k-1", "k-2"]).update(status="cancelled")
    Allocation.objects.update(held=F("held") - 2)
    (before,) = reconcile(sale.pk, "drop").skus
    assert (before.available, before.held, before.drift) == (46, 4, 0)
    release_stock(sale.pk)
    Order.objects.filter(request_key="k-1").update(release_place=None)
    (after,) = reconcile(sale.pk, "drop").skus
    assert (after.available, after.held, after.drift) == (48, 2, 0)


def test_the_command_prints_the_contracts_json_and_its_exit_code_tells(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 50})
    out = StringIO()
    call_command("reconcile", "drop", "--json", stdout=out)
    counts = {"allocated": 50, "available": 50, "in_flight": 0, "held": 0, "sold": 0, "drift": 0}
    sku = {"sku": "TEE"} | counts
    assert json.loads(out.getvalue()) == {
        "sales": [{"sale": "drop", "drift": 0, "skus": [sku]}],
        "drift": 0,
    }

    counters.adjust_available(sale.pk, Allocation.objects.get().pk, 1, server=counters.server())
    with pytest.raises(SystemExit) as drifted:
        call_command("reconcile", "drop", stdout=StringIO())
    assert drifted.value.code == 1

    counters.fence(sale.pk)
    with pytest.raises(CommandError) as could_not_tell:
        call_command("reconcile", "drop", stdout=StringIO())
    assert could_not_tell.value.returncode == 2


def test_a_sale_without_counters_answers_503_and_never_sold_out(
    make_sale: MakeSale, api_key: str
) -> None:
    make_sale("drop", {"TEE": 50})
    client().flushdb()
    (reply,) = place_all(api_key, orders(1))
    assert reply.status == 503
    assert document(reply)["type"] == "/problems/unavailable"
    assert header(reply, "Retry-After") in ("1", "2", "3")


def test_a_rebuild_after_the_loss_of_redis_sells_only_what_is_left(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 10}, limit=2)
    first = place_all(api_key, orders(6))
    persist(sale)
    client().flushdb()

    done = rebuild_stock(sale.pk)
    assert (done.epoch, done.requests) == (2, 6)
    replies = place_all(api_key, orders(10, prefix="new"))
    assert sorted(reply.status for reply in replies) == [202] * 4 + [409] * 6
    persist(sale)
    assert reconcile(sale.pk, "drop").drift == 0

    again = place_all(api_key, orders(6))
    assert [reply.body for reply in again] == [reply.body for reply in first]
    assert {header(reply, "Idempotent-Replayed") for reply in again} == {"true"}


def test_a_rebuild_remembers_the_customers_limits(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 10}, limit=2)
    place_all(api_key, [Request("k-1", lines={"TEE": 2})])
    persist(sale)
    client().flushdb()
    rebuild_stock(sale.pk)
    (reply,) = place_all(api_key, [Request("k-2")])
    assert document(reply)["type"] == "/problems/purchase-limit"


def test_a_rebuild_persists_what_is_still_in_the_outbox(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 10})
    place_all(api_key, orders(4))
    client().delete(Keys.of(sale.pk).config)
    assert rebuild_stock(sale.pk).persisted == 4
    assert Order.objects.count() == 4
    (sku,) = reconcile(sale.pk, "drop").skus
    assert (sku.available, sku.held, sku.drift) == (6, 4, 0)


def test_positions_after_a_rebuild_are_beyond_all_that_the_ledger_has_seen(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 10})
    place_all(api_key, orders(1))
    persist(sale)
    # As if Redis' clock had been an hour ahead before it was lost.
    Order.objects.update(position=Order.objects.get().position + (3_600_000 << 20))
    client().flushdb()
    rebuild_stock(sale.pk)
    place_all(api_key, orders(1, prefix="new"))
    persist(sale)
    old, new = Order.objects.order_by("accepted_at")
    assert new.position > old.position


@contextmanager
def persisting_meanwhile(sale: Sale) -> Iterator[None]:
    stop = threading.Event()

    def work() -> None:
        try:
            while not stop.is_set():
                persist(sale)
        finally:
            connection.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield
    finally:
        stop.set()
        worker.join()
