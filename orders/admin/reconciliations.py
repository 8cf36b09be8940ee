"""What reconciliation has found over time, and mending it."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from inventory.errors import InventoryError
from orders.errors import ReconciliationImpossible
from orders.models import ReconciliationRecord
from orders.services.repair import Correction, repair
from shop.core.admin import BIG_TABLE_HELP, BigTableAdmin, table

from .orders import SaleFilter

COLUMNS = ("sku", "allocated", "available", "in_flight", "held", "sold", "drift")


class DriftFilter(admin.SimpleListFilter):
    title = "result"
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[Any, str]]:
        return [("drift", "Drift"), ("unknown", "Could not tell")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "drift":
            return queryset.exclude(drift=0).filter(drift__isnull=False)
        return queryset.filter(drift__isnull=True) if self.value() == "unknown" else queryset


@admin.register(ReconciliationRecord)
class ReconciliationRecordAdmin(BigTableAdmin):
    """One row a minute and sale while nothing changes, one every ten seconds while it does."""

    list_display = ("id", "sale", "drift", "reason", "mended", "compared_at")
    list_select_related = ("sale",)
    list_filter = (DriftFilter, SaleFilter)
    search_help_text = BIG_TABLE_HELP
    fields = ("sale", "compared_at", "drift", "reason", "balances", "explanation", "repaired")
    readonly_fields = ("balances", "explanation")
    actions = ("mend",)

    @admin.display(description="repaired")
    def mended(self, record: ReconciliationRecord) -> str:
        return "Repaired" if record.repaired else ""  # nothing to repair is nothing bad

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
        return request.user.has_perm("orders.change_reconciliationrecord")

    @admin.action(description="Repair the sale, as it is now", permissions=["repair"])
    def mend(self, request: HttpRequest, records: QuerySet[ReconciliationRecord]) -> None:
        latest = {record.sale_id: record for record in records.select_related("sale")}
        for record in latest.values():
            level, outcome = _mend(record)
            self.log_change(request, record, outcome)
            self.message_user(request, f"{record.sale.slug}: {outcome}", level)


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
