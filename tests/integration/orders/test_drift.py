"""Drift is found, explained down to the order, mended once, and kept for a person to see."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test import Client

from inventory import counters
from inventory.counters.keys import Keys
from inventory.errors import StockRefused
from inventory.models import Allocation, Sale, StockMovement
from orders.domain import request_digest
from orders.models import Order, OrderEvent, OrderLine, ReconciliationRecord
from orders.reconciliation import history
from orders.reconciliation.compare import Reconciliation, reconcile
from orders.reconciliation.diagnose import Finding, diagnose_drift
from orders.reconciliation.history import AT_REST, KEPT, compare, reconcile_all
from orders.reconciliation.repair import Correction, repair
from orders.services.release import release_stock
from shop.core import clock
from shop.core.stores.redis import client
from tests.conftest import MakeSale
from tests.life import pay, placed
from tests.placing import Request, place_all

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50, "CAP": 10})


def two_orders(sale: Sale, api_key: str) -> list[Order]:
    return placed(sale, api_key, Request("k-1", lines={"TEE": 2}), Request("k-2", customer="bob"))


def tee() -> Allocation:
    return Allocation.objects.get(product__sku="TEE")


def findings(sale: Sale) -> dict[str, list[str]]:
    """The orders named by each kind of finding."""
    return {found.kind: found.orders for found in diagnose_drift(sale.pk, sale.slug)}


def lose(order: Order) -> None:
    """Lose an order from the ledger, as a restored backup of PostgreSQL would."""
    OrderEvent.objects.filter(order=order).delete()
    for line in OrderLine.objects.filter(order=order):
        Allocation.objects.filter(pk=line.allocation_id).update(held=F("held") - line.quantity)
    OrderLine.objects.filter(order=order).delete()
    Order.objects.filter(pk=order.pk).delete()


def test_nothing_is_found_where_nothing_drifts(sale: Sale, api_key: str) -> None:
    paid, _ = two_orders(sale, api_key)
    pay(paid)
    place_all(api_key, [Request("in-flight")])
    assert diagnose_drift(sale.pk, "drop") == []
    assert repair(sale.pk, "drop") == []
    assert not StockMovement.objects.filter(kind="correct").exists()


def test_a_counter_changed_from_outside_is_named_and_mended(sale: Sale, api_key: str) -> None:
    two_orders(sale, api_key)
    counters.adjust_available(sale.pk, tee().pk, -3, server=counters.server())
    [found] = diagnose_drift(sale.pk, "drop")
    assert found.text == "TEE: Redis' counter was changed by -3 from outside"

    assert repair(sale.pk, "drop") == [Correction("TEE", counter=3)]
    assert reconcile(sale.pk, "drop").drift == 0
    line = StockMovement.objects.get(kind="correct")
    assert (line.allocation, line.counter, line.held, line.sold) == (tee(), 3, 0, 0)
    assert repair(sale.pk, "drop") == []


def test_a_stock_row_that_does_not_follow_from_its_orders_is_mended_by_them(
    sale: Sale, api_key: str
) -> None:
    paid, _ = two_orders(sale, api_key)
    pay(paid)
    Allocation.objects.filter(pk=tee().pk).update(held=F("held") + 4, sold=F("sold") - 1)
    assert findings(sale).keys() == {"stock-row", "ledger"}
    assert repair(sale.pk, "drop") == [Correction("TEE", held=-4, sold=1)]
    assert (tee().held, tee().sold) == (1, 2)
    assert reconcile(sale.pk, "drop").drift == 0


def test_an_order_missing_in_the_ledger_is_named_and_its_units_go_back_on_sale(
    sale: Sale, api_key: str
) -> None:
    lost, kept = two_orders(sale, api_key)
    lose(lost)
    assert findings(sale)["missing-order"] == [str(lost.pk)]
    repair(sale.pk, "drop")
    found = {sku.sku: sku for sku in reconcile(sale.pk, "drop").skus}["TEE"]
    assert (found.available, found.held, found.drift) == (49, 1, 0)
    assert Order.objects.get() == kept


def test_an_order_that_redis_has_forgotten_is_named(sale: Sale, api_key: str) -> None:
    forgotten, _ = two_orders(sale, api_key)
    digest = request_digest(forgotten.client_id, forgotten.request_key)
    client().hdel(Keys.of(sale.pk).requests, digest)
    assert findings(sale) == {"unknown-order": [str(forgotten.pk)]}


def test_stock_that_redis_gave_back_too_early_is_named(sale: Sale, api_key: str) -> None:
    early, _ = two_orders(sale, api_key)
    Order.objects.filter(pk=early.pk).update(status="expired")
    release_stock(sale.pk)
    Order.objects.filter(pk=early.pk).update(status="awaiting_payment", release_place=None)
    assert findings(sale)["released-early"] == [str(early.pk)]
    repair(sale.pk, "drop")
    assert reconcile(sale.pk, "drop").drift == 0


def test_many_orders_are_counted_and_some_are_named(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale("drop", {"TEE": 50})
    for order in placed(sale, api_key, *(Request(f"k-{n}") for n in range(30))):
        lose(order)
    [found] = [each for each in diagnose_drift(sale.pk, "drop") if each.kind == "missing-order"]
    assert (found.count, len(found.orders)) == (30, 20)


def test_a_ledger_with_more_orders_than_units_is_left_to_a_person(sale: Sale, api_key: str) -> None:
    two_orders(sale, api_key)
    Allocation.objects.filter(pk=tee().pk).update(held=0, allocated=1)
    with pytest.raises(StockRefused):
        repair(sale.pk, "drop")
    assert tee().held == 0


# --- The records ----------------------------------------------------------------------------------


def test_every_sale_is_compared_and_a_change_is_recorded(sale: Sale, api_key: str) -> None:
    now = clock.now()
    assert reconcile_all(now=now) == 0
    assert reconcile_all(now=now + timedelta(seconds=10)) == 0  # nothing new
    assert ReconciliationRecord.objects.count() == 1
    two_orders(sale, api_key)
    reconcile_all(now=now + timedelta(seconds=20))
    reconcile_all(now=now + timedelta(seconds=20) + AT_REST)
    last, *_ = ReconciliationRecord.objects.all()
    assert ReconciliationRecord.objects.count() == 3
    assert (last.drift, last.skus[0]["held"]) == (0, 3)


def test_drift_is_recorded_with_what_explains_it(sale: Sale, api_key: str) -> None:
    lost, _ = two_orders(sale, api_key)
    lose(lost)
    record = compare(sale, now=clock.now())
    assert record.drift == 2
    assert record.findings[0]["orders"] == [str(lost.pk)]


def test_what_could_not_be_compared_is_recorded_with_the_reason(sale: Sale) -> None:
    counters.fence(sale.pk)
    record = compare(sale, now=clock.now())
    assert record.drift is None
    assert "rebuild_stock" in record.reason


def test_old_records_go(sale: Sale) -> None:
    now = clock.now()
    reconcile_all(now=now - KEPT - timedelta(hours=1))
    reconcile_all(now=now)
    assert [record.compared_at for record in ReconciliationRecord.objects.all()] == [now]


def test_a_sale_that_ended_days_ago_is_compared_no_more(sale: Sale) -> None:
    Sale.objects.update(closed_at=clock.now() - timedelta(days=3))
    reconcile_all(now=clock.now())
    assert not ReconciliationRecord.objects.exists()


def test_the_command_explains_repairs_and_records(
    sale: Sale, api_key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    two_orders(sale, api_key)
    counters.adjust_available(sale.pk, tee().pk, -3, server=counters.server())
    with pytest.raises(SystemExit) as looked:
        call_command("reconcile", "drop")
    assert looked.value.code == 1
    shown = capsys.readouterr().out
    assert "changed by -3 from outside" in shown
    assert "reconcile --repair" in shown
    with pytest.raises(SystemExit) as mended:
        call_command("reconcile", "drop", "--repair", stdout=(out := StringIO()))
    assert mended.value.code == 1
    assert "Corrected TEE: +0 held and +0 sold in the ledger, +3 in Redis." in out.getvalue()
    assert ReconciliationRecord.objects.get().repaired
    call_command("reconcile", "drop", stdout=StringIO())


def test_a_person_mends_a_sale_in_the_admin(sale: Sale, api_key: str, admin_client: Client) -> None:
    two_orders(sale, api_key)
    counters.adjust_available(sale.pk, tee().pk, 2, server=counters.server())
    record = compare(sale, now=clock.now())
    data = {"action": "mend", "_selected_action": [str(record.pk)], "confirmed": "yes"}
    url = "/admin/orders/reconciliationrecord/"
    page = admin_client.post(url, data, follow=True).content.decode()
    assert "Corrected TEE: +0 held, +0 sold, -2 in Redis." in page
    again = admin_client.post(url, data, follow=True).content.decode()
    assert "Nothing drifts; nothing was changed." in again


# --- Rounds over all sales ----------------------------------------------------------------------


def test_a_sale_that_cannot_be_compared_costs_that_sale(
    make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, right = make_sale("wrong"), make_sale("right")

    def compare(sale_id: int, slug: str) -> Reconciliation:
        if slug == "wrong":
            raise ZeroDivisionError("a row that nobody has thought of")
        return reconcile(sale_id, slug)

    monkeypatch.setattr(history, "reconcile", compare)
    assert reconcile_all(now=clock.now()) == 0
    records = {record.sale: record for record in ReconciliationRecord.objects.all()}
    assert records[right].drift == 0
    assert (records[wrong].drift, records[wrong].reason) == (
        None,
        "ZeroDivisionError: a row that nobody has thought of",
    )


def test_a_statement_that_takes_too_long_costs_its_sale(
    make_sale: MakeSale, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong, right = make_sale("wrong"), make_sale("right")

    def compare(sale_id: int, slug: str) -> Reconciliation:
        if slug == "wrong":
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = 1; SELECT pg_sleep(9)")
        return reconcile(sale_id, slug)

    monkeypatch.setattr(history, "reconcile", compare)
    reconcile_all(now=clock.now())
    connection.close()  # and with it the time-out
    records = {record.sale: record.drift for record in ReconciliationRecord.objects.all()}
    assert records == {wrong: None, right: 0}


def test_what_a_round_has_no_time_for_comes_first_in_the_next(make_sale: MakeSale) -> None:
    sales = [make_sale(f"drop-{number}") for number in range(3)]
    now = clock.now()
    for step in range(3):
        reconcile_all(now=now + step * AT_REST, seconds=0)
    compared = ReconciliationRecord.objects.order_by("pk").values_list("sale", flat=True)
    assert sorted(compared) == [sale.pk for sale in sales]


def test_drift_is_kept_whatever_becomes_of_the_search_for_its_cause(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters.adjust_available(sale.pk, tee().pk, -3, server=counters.server())

    def dies(*_: object, **__: object) -> None:
        raise SystemExit("killed for taking too long")

    monkeypatch.setattr(history, "diagnose_drift", dies)
    with pytest.raises(SystemExit):
        compare(sale, now=clock.now())
    assert ReconciliationRecord.objects.get().drift == 3


def test_the_same_drift_is_explained_once_a_minute(
    sale: Sale, api_key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    counters.adjust_available(sale.pk, tee().pk, -3, server=counters.server())
    searches = []

    def search(*arguments: int, **options: float) -> list[Finding]:
        searches.append(arguments)
        return diagnose_drift(sale.pk, "drop")

    monkeypatch.setattr(history, "diagnose_drift", search)
    now = clock.now()
    first = compare(sale, now=now)
    place_all(api_key, [Request("k-1")])
    again = compare(sale, now=now + AT_REST / 2)
    assert (again.drift, again.findings) == (3, first.findings)
    assert len(searches) == 1
    compare(sale, now=now + 2 * AT_REST)
    assert len(searches) == 2


def test_a_search_that_is_cut_short_says_so(sale: Sale, api_key: str) -> None:
    two_orders(sale, api_key)
    counters.adjust_available(sale.pk, tee().pk, -3, server=counters.server())
    kinds = [found.kind for found in diagnose_drift(sale.pk, "drop", seconds=-1)]
    assert kinds == ["counter", "cut-short"]
