"""Adding stock to a sale leaves both stores in agreement, at every moment and after every loss."""

import threading

import pytest
from django.db import connection

from inventory import counters, services
from inventory.counters.keys import Keys
from inventory.errors import SaleChanged
from inventory.models import Allocation, Sale
from orders.reconciliation.compare import reconcile
from orders.reconciliation.diagnose import diagnose_drift
from orders.reconciliation.history import reconcile_all
from orders.reconciliation.rebuild import rebuild_stock
from shop.core import clock
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.persisting import persist
from tests.placing import Request, place_all

pytestmark = pytest.mark.django_db(transaction=True)


def add(sale: Sale, units: int) -> None:
    sale.refresh_from_db()
    services.add_stock(
        sale,
        version=sale.version,
        now=clock.now(),
        allocation_id=sale.allocations.get().pk,
        units=units,
    )


def available(sale: Sale) -> int:
    return counters.snapshot(sale.pk, sale.slug).skus[sale.allocations.get().pk].available


def test_there_is_no_drift_at_any_moment_while_stock_is_added_and_orders_flow(
    make_sale: MakeSale, api_key: str
) -> None:
    sale, found, done = make_sale("drop", {"TEE": 20}), [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            found.append(reconcile(sale.pk, "drop").drift)
        connection.close()

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        for round_ in range(8):
            add(sale, 10)
            place_all(api_key, [Request(f"{round_}-{n}", customer=f"c-{n}") for n in range(12)])
            persist(sale)
    finally:
        done.set()
        watching.join()

    (balance,) = reconcile(sale.pk, "drop").skus
    assert (balance.allocated, balance.available, balance.held) == (100, 4, 96)
    assert set(found) == {0}


def test_a_sweep_puts_on_sale_what_redis_was_not_told_of(make_sale: MakeSale) -> None:
    sale = make_sale("drop", {"TEE": 20})
    Allocation.objects.update(allocated=50)  # as of a process that died before it told Redis
    assert reconcile(sale.pk, "drop").drift == 0
    assert available(sale) == 20

    for _ in range(2):
        reconcile_all(now=clock.now())
        assert available(sale) == 50
    assert reconcile(sale.pk, "drop").drift == 0


def test_telling_redis_an_older_total_late_takes_nothing_away(make_sale: MakeSale) -> None:
    sale = make_sale("drop", {"TEE": 20})
    row = sale.allocations.get()
    for total in (30, 25, 30):
        counters.allocate(sale.pk, "drop", epoch=sale.epoch, stock=[(row.pk, total)])
    assert available(sale) == 30


def test_stock_of_an_older_copy_of_redis_is_added_again(make_sale: MakeSale) -> None:
    sale = make_sale("drop", {"TEE": 20})
    stock = Keys.of(sale.pk).stock
    older = client().dump(stock)
    add(sale, 5)
    client().restore(stock, 0, older, replace=True)
    services.sync_to_redis(sale)
    assert available(sale) == 25


def test_a_rebuild_counts_added_stock_once(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 20})
    place_all(api_key, [Request("a")])
    add(sale, 5)
    rebuild_stock(sale.pk)
    sale.refresh_from_db()
    services.sync_to_redis(sale)
    assert available(sale) == 24
    assert reconcile(sale.pk, "drop").drift == 0
    assert diagnose_drift(sale.pk, "drop") == []


def test_of_two_who_add_at_once_one_is_told_to_look_again(make_sale: MakeSale) -> None:
    sale = make_sale("drop", {"TEE": 20})
    seen, row = sale.version, sale.allocations.get()
    terms = {"version": seen, "now": clock.now(), "allocation_id": row.pk, "units": 5}
    services.add_stock(Sale.objects.get(pk=sale.pk), **terms)
    with pytest.raises(SaleChanged):
        services.add_stock(Sale.objects.get(pk=sale.pk), **terms)
    assert available(sale) == 25


def test_stock_is_added_to_counters_that_an_earlier_version_has_opened(
    make_sale: MakeSale, api_key: str
) -> None:
    sale = make_sale("drop", {"TEE": 20})
    place_all(api_key, [Request("a")])
    client().hdel(Keys.of(sale.pk).stock, f"{sale.allocations.get().pk}:a")
    reconcile_all(now=clock.now())
    add(sale, 5)
    assert available(sale) == 24
    assert reconcile(sale.pk, "drop").drift == 0
