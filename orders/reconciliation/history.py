"""Reconciling every sale again and again, and keeping what was found."""

import logging
import time
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, connection
from django.db.models import F, OuterRef, QuerySet, Subquery

from inventory.errors import InventoryError
from inventory.models import Sale
from inventory.selectors import sales_on_record
from inventory.services import sync_to_redis
from orders.errors import ReconciliationImpossible
from orders.models import ReconciliationRecord

from .compare import Reconciliation, reconcile
from .diagnose import Finding, diagnose_drift
from .lost_orders import resolve_suspects

logger = logging.getLogger(__name__)

AT_REST = timedelta(minutes=1)  # while nothing changes, this often is enough
KEPT = timedelta(days=7)
ROUND_SECONDS = 20.0  # within a task's time limit; the sales that are left come first next time
EXPLAIN_SECONDS = 5.0


def reconcile_all(*, now: datetime, seconds: float = ROUND_SECONDS) -> int:
    """Compare every sale that may still move, and record it. Returns the drift of all, in units.

    Those that were compared longest ago come first. After so many `seconds` the rest is left to the
    next round. A sale that cannot be compared costs that sale; raises django.db.DatabaseError only
    where PostgreSQL is away.
    """
    deadline, drift = time.monotonic() + seconds, 0
    sales = list(_longest_ago_first(now))
    for left, sale in zip(range(len(sales) - 1, -1, -1), sales, strict=True):
        drift += _compare_alone(sale, now=now).drift or 0
        if left and time.monotonic() > deadline:
            logger.warning("%d of %d sales are left to the next round", left, len(sales))
            break
    ReconciliationRecord.objects.filter(compared_at__lt=now - KEPT).delete()
    return drift


def _longest_ago_first(now: datetime) -> "QuerySet[Sale]":
    last = ReconciliationRecord.objects.filter(sale=OuterRef("pk")).order_by("-id")
    compared_at = Subquery(last.values("compared_at")[:1])
    sales = sales_on_record(now=now).annotate(compared_at=compared_at)
    return sales.order_by(F("compared_at").asc(nulls_first=True), "pk")


def _compare_alone(sale: Sale, *, now: datetime) -> ReconciliationRecord:
    """Compare one sale; whatever is wrong with it stays with it, and is kept as the reason."""
    try:
        _sync_to_redis(sale)
        return compare(sale, now=now)
    except Exception as error:
        if isinstance(error, DatabaseError) and not connection.is_usable():
            raise
        logger.exception("sale %s cannot be compared", sale.slug)
        reason = f"{type(error).__name__}: {error}"[:300].replace("\0", "")
        return ReconciliationRecord.objects.create(sale=sale, compared_at=now, reason=reason)


def _sync_to_redis(sale: Sale) -> None:
    """Bring to Redis what an operator changed while it was away. Its absence, `compare` records."""
    try:
        sync_to_redis(sale)
    except InventoryError as error:
        logger.warning("sale %s: its rules cannot be brought to Redis: %s", sale.slug, error)


def compare(sale: Sale, *, now: datetime) -> ReconciliationRecord:
    """Compare one sale and record what comes out; drift is explained, and logged as an error.

    The record is unsaved where it says what the last one said, a moment ago.
    """
    last = ReconciliationRecord.objects.filter(sale=sale).order_by("-id").first()
    try:
        found = reconcile(sale.pk, sale.slug)
    except (InventoryError, ReconciliationImpossible) as error:
        record = ReconciliationRecord(sale=sale, reason=str(error)[:300])
    else:
        record = _record(sale, found)
        resolve_suspects(sale.pk)  # what was noted after a rebuild had looked
    record.compared_at = now
    if record.drift:
        _explain_once(record, last)
        logger.error("sale %s: drift of %d units: %s", sale.slug, record.drift, record.findings)
    if not _is_repetition(record, last):
        record.save()
    return record


def _explain_once(record: ReconciliationRecord, last: ReconciliationRecord | None) -> None:
    """Find what explains drift, or take it from a record of a moment ago that found the same drift.

    The record is saved before the search: nothing that happens to the search may hide the drift.
    """
    same = last and _is_moments_after(record, last) and _differences(last) == _differences(record)
    if last and same and last.findings:
        record.findings = last.findings
        return
    record.save()
    record.findings = _found(
        diagnose_drift(record.sale_id, record.sale.slug, seconds=EXPLAIN_SECONDS)
    )


def _is_repetition(record: ReconciliationRecord, last: ReconciliationRecord | None) -> bool:
    """Tell whether a record that is not saved yet says nothing new."""
    if record.pk or last is None:
        return False
    return _is_moments_after(record, last) and _said(last) == _said(record)


def _is_moments_after(record: ReconciliationRecord, last: ReconciliationRecord) -> bool:
    return record.compared_at - last.compared_at < AT_REST


def record_of(sale: Sale, found: Reconciliation) -> ReconciliationRecord:
    """Return an unsaved record of a comparison, with what explains its drift."""
    record = _record(sale, found)
    if found.drift:
        record.findings = _found(diagnose_drift(sale.pk, sale.slug))
    return record


def _record(sale: Sale, found: Reconciliation) -> ReconciliationRecord:
    return ReconciliationRecord(
        sale=sale,
        drift=found.drift,
        skus=[{**asdict(sku), "drift": sku.drift} for sku in found.skus],
    )


def _found(findings: Sequence[Finding]) -> list[dict[str, Any]]:
    return [asdict(finding) for finding in findings]


def _differences(record: ReconciliationRecord) -> dict[str, int]:
    return {sku["sku"]: sku["drift"] for sku in record.skus if sku["drift"]}


def _said(record: ReconciliationRecord) -> tuple[Any, ...]:
    return record.drift, record.reason, record.skus, record.findings
