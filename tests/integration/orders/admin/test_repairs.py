"""Reconciliations: how they went over time, and repairing what drifts."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models import F
from django.test import Client

from inventory.models import Allocation, Sale
from orders.models import ReconciliationRecord
from orders.reconciliation.compare import reconcile
from tests.conftest import MakeSale
from tests.life import placed
from tests.placing import Request

from .conftest import Act, Press

pytestmark = pytest.mark.django_db(transaction=True)

MODEL = "orders/reconciliationrecord"


@pytest.fixture
def record(make_sale: MakeSale, api_key: str) -> ReconciliationRecord:
    """A comparison of a sale whose stock row lacks two held units."""
    sale = make_sale("drop", {"TEE": 50})
    placed(sale, api_key, Request("k-1", lines={"TEE": 2}))
    Allocation.objects.update(held=F("held") - 2)
    return ReconciliationRecord.objects.create(sale=sale, drift=2)


def drift(sale: Sale) -> int:
    return reconcile(sale.pk, sale.slug).drift


def test_a_yes_repairs_what_drifts_and_is_written_down(
    record: ReconciliationRecord, staff: Callable[..., Client], press: Press
) -> None:
    assert drift(record.sale) == 2
    page = press(staff("repair_reconciliationrecord"), record, "repair")
    assert "Corrected TEE: +2 held" in page
    assert drift(record.sale) == 0
    assert "Corrected TEE" in LogEntry.objects.get().get_change_message()


def test_a_repair_from_the_list_asks_first(
    record: ReconciliationRecord, admin_client: Client, act: Act
) -> None:
    data = {"action": "mend", "_selected_action": [str(record.pk)]}
    asked = admin_client.post(f"/admin/{MODEL}/", data).content.decode()
    assert "What drifts now is corrected" in asked
    assert f'name="_selected_action" value="{record.pk}"' in asked
    assert drift(record.sale) == 2
    assert "drop: Corrected TEE" in act(admin_client, MODEL, "mend", record)
    assert drift(record.sale) == 0


def test_a_viewer_cannot_repair(
    record: ReconciliationRecord, viewer: Client, press: Press, act: Act
) -> None:
    press(viewer, record, "repair")
    act(viewer, MODEL, "mend", record)
    assert drift(record.sale) == 2
    assert not LogEntry.objects.exists()


def test_the_list_shows_how_the_latest_comparisons_went(
    record: ReconciliationRecord, admin_client: Client, make_sale: MakeSale
) -> None:
    other = ReconciliationRecord.objects.create(sale=make_sale("other"), drift=0)
    ReconciliationRecord.objects.create(sale=other.sale, reason="Redis is away")
    page = admin_client.get(f"/admin/{MODEL}/").content.decode()
    assert "1 with drift, up to 2 units; 1 could not tell" in page
    of_other = admin_client.get(f"/admin/{MODEL}/?sale={other.sale_id}").content.decode()
    assert "No drift; 1 could not tell" in of_other
