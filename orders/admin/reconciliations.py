"""The results of reconciliation over time, and the repair of drift."""

from datetime import datetime
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from inventory.errors import InventoryError
from orders.errors import ReconciliationImpossible
from orders.models import ReconciliationRecord
from orders.reconciliation.repair import Correction, repair
from shop.core.admin.lists import BIG_TABLE_HELP, BigTableAdmin, OfferedFilter, table

from .badges import Tone, badge, moment
from .confirmation import Outcome, Question, ask_about_rows, asks_first
from .filters import SaleFilter

REPAIR = "orders.repair_reconciliationrecord"
AT_ONCE = 100  # records that one request looks through
CHARTED = 120  # the latest comparisons
COLUMNS = ("sku", "allocated", "available", "in_flight", "held", "sold", "drift")


class DriftFilter(OfferedFilter):
    """Reconciliations that found drift, or could not tell."""

    title = "result"
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return [("drift", "Drift"), ("unknown", "Could not tell")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "drift":
            return queryset.exclude(drift=0).filter(drift__isnull=False)
        return queryset.filter(drift__isnull=True) if self.value() == "unknown" else queryset


def _question(what: str) -> Question:
    return Question(
        title=f"Repair {what}?",
        text="What drifts now is corrected, not what drifted then: first the stock rows, by what "
        "their orders hold and have bought, then Redis' counters. Each correction is a line in the "
        "ledger. Orders go on meanwhile.",
        button="Repair",
    )


def _ask(record: ReconciliationRecord, data: dict[str, Any] | None) -> Question:
    return _question(f"the sale {record.sale.slug}")


@admin.register(ReconciliationRecord)
class ReconciliationRecordAdmin(BigTableAdmin):
    """One row a minute and sale while nothing changes, one every ten seconds while it does."""

    list_display = ("id", "sale", "result", "reason", "mended", "compared_at")
    list_before_template = "admin/orders/drift_strip.html"
    list_select_related = ("sale",)
    list_filter = (DriftFilter, SaleFilter)
    search_help_text = BIG_TABLE_HELP
    fields = ("sale", "compared_at", "result", "reason", "balances", "explanation", "mended")
    readonly_fields = ("result", "balances", "explanation", "mended")
    actions = ("mend",)
    actions_detail = ("mend_one",)

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        extra = {"strip": _strip(request.GET.get(SaleFilter.parameter_name, ""))}
        return super().changelist_view(request, {**(extra_context or {}), **extra})

    @admin.display(description="drift")
    def result(self, record: ReconciliationRecord) -> SafeString:
        text = "Could not tell" if record.drift is None else f"{record.drift:,}"
        return badge(text, _tone(record.drift))

    @admin.display(description="repaired")
    def mended(self, record: ReconciliationRecord) -> str:
        return "Repaired" if record.repaired else ""  # most have nothing to repair

    @admin.display(description="SKUs")
    def balances(self, record: ReconciliationRecord) -> SafeString:
        headers = [name.replace("_", " ").capitalize() for name in COLUMNS]
        return table(headers, [[sku.get(name) for name in COLUMNS] for sku in record.skus])

    @admin.display(description="what explains it")
    def explanation(self, record: ReconciliationRecord) -> SafeString:
        return table(
            ("What", "How many", "Orders"),
            [(each["text"], each["count"], ", ".join(each["orders"])) for each in record.findings],
        )

    def has_repair_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm(REPAIR)

    @asks_first(
        permission=REPAIR,
        description="Repair the sale",
        icon="build",
        ask=_ask,
        url_path="repair",
    )
    def mend_one(
        self, request: HttpRequest, record: ReconciliationRecord, question: Question
    ) -> Outcome:
        return Outcome(*_mend(record))

    @admin.action(description="Repair the sale, as it is now", permissions=["repair"])
    def mend(
        self, request: HttpRequest, records: QuerySet[ReconciliationRecord]
    ) -> HttpResponse | None:
        records = records.select_related("sale")
        if page := ask_about_rows(self, request, records, _question("the sales of these records")):
            return page
        for record in {record.sale_id: record for record in records[:AT_ONCE]}.values():
            level, outcome = _mend(record)
            self.log_change(request, record, outcome)
            self.message_user(request, f"{record.sale.slug}: {outcome}", level)
        return None


def _mend(record: ReconciliationRecord) -> tuple[int, str]:
    try:
        made = repair(record.sale_id, record.sale.slug)
    except (InventoryError, ReconciliationImpossible) as error:
        return messages.ERROR, str(error)
    if not made:
        return messages.INFO, "Nothing drifts; nothing was changed."
    return messages.SUCCESS, "Corrected " + "; ".join(map(_sentence, made)) + "."


def _sentence(made: Correction) -> str:
    return f"{made.sku}: {made.held:+} held, {made.sold:+} sold, {made.counter:+} in Redis"


def _strip(sale: str) -> dict[str, Any]:
    """Return the latest comparisons, the oldest first, each with its tone and its text."""
    rows = ReconciliationRecord.objects.order_by("-pk")
    if sale.isascii() and sale.isdecimal() and len(sale) < 19:
        rows = rows.filter(sale=int(sale))
    latest = [*rows.values_list("pk", "sale__slug", "compared_at", "drift")[:CHARTED]][::-1]
    drifts = [drift for *_, drift in latest]
    return {
        "count": len(latest),
        "off": sum(1 for drift in drifts if drift),
        "unknown": drifts.count(None),
        "worst": max((abs(drift) for drift in drifts if drift), default=0),
        "cells": [
            (pk, _tone(drift), _cell_text(slug, at, drift)) for pk, slug, at, drift in latest
        ],
    }


def _tone(drift: int | None) -> Tone:
    if drift is None:
        return "waits"
    return "bad" if drift else "good"


def _cell_text(sale: str, at: datetime, drift: int | None) -> str:
    result = "could not tell" if drift is None else f"{drift:,} units off"
    return f"{sale}, {moment(at)}: {result}"
