"""Reconciling every sale again and again, and keeping what was found."""

import logging
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from inventory.errors import InventoryError
from inventory.models import Sale
from inventory.selectors import sales_on_record
from inventory.services import tell_redis
from orders.errors import ReconciliationImpossible
from orders.models import ReconciliationRecord

from .explain import Finding, explain
from .lost_orders import conclude
from .reconcile import Reconciliation, reconcile

logger = logging.getLogger(__name__)

AT_REST = timedelta(minutes=1)  # while nothing changes, this often is enough
KEPT = timedelta(days=7)


def reconcile_all(*, now: datetime) -> int:
    """Compare every sale that may still move, and record it. Returns the drift of all, in units."""
    drift = 0
    for sale in sales_on_record(now=now):
        _tell_redis(sale)
        record = compare(sale, now=now)
        drift += record.drift or 0
    ReconciliationRecord.objects.filter(compared_at__lt=now - KEPT).delete()
    return drift


def _tell_redis(sale: Sale) -> None:
    """Bring to Redis what an operator changed while it was away. Its absence, `compare` records."""
    try:
        tell_redis(sale)
    except InventoryError as error:
        logger.warning("sale %s: its rules cannot be brought to Redis: %s", sale.slug, error)


def compare(sale: Sale, *, now: datetime) -> ReconciliationRecord:
    """Compare one sale and record what comes out; drift is explained, and logged as an error.

    The record is unsaved where it says what the last one said, a moment ago.
    """
    try:
        found = reconcile(sale.pk, sale.slug)
    except (InventoryError, ReconciliationImpossible) as error:
        record = ReconciliationRecord(sale=sale, reason=str(error)[:300])
    else:
        record = record_of(sale, found)
        conclude(sale.pk)  # what was noted after a rebuild had looked
    if record.drift:
        logger.error("sale %s: drift of %d units: %s", sale.slug, record.drift, record.findings)
    record.compared_at = now
    last = ReconciliationRecord.objects.filter(sale=sale).order_by("-id").first()
    if last is None or now - last.compared_at >= AT_REST or _said(last) != _said(record):
        record.save()
    return record


def record_of(sale: Sale, found: Reconciliation) -> ReconciliationRecord:
    """Return an unsaved record of a comparison, with what explains its drift."""
    findings: list[Finding] = explain(sale.pk, sale.slug) if found.drift else []
    return ReconciliationRecord(
        sale=sale,
        drift=found.drift,
        skus=[{**asdict(sku), "drift": sku.drift} for sku in found.skus],
        findings=[asdict(finding) for finding in findings],
    )


def _said(record: ReconciliationRecord) -> tuple[Any, ...]:
    return record.drift, record.reason, record.skus, record.findings
