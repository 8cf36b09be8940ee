"""What payment providers said, and what of it a person has to look at."""

from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory.admin import money, of_order
from orders.models import PaymentNotice
from shop.core.admin import BIG_TABLE_HELP, BigTableAdmin, unbroken


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("attention", "Needs attention"), *PaymentNotice.State.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        if value == "attention":
            return queryset.filter(state__in=PaymentNotice.NEEDS_ATTENTION)
        return queryset.filter(state=value) if value else queryset


@admin.register(PaymentNotice)
class PaymentNoticeAdmin(BigTableAdmin):
    """A refund is made at the provider; its notice then settles the payment here."""

    list_display = ("id", "type", "order_link", "amount_paid", "state", "detail", "received_at")
    list_filter = (StateFilter,)
    search_fields = ("order_id",)
    search_help_text = f"By order id, in full. {BIG_TABLE_HELP}"
    fieldsets = (
        (None, {"fields": ("order_link", "type", "amount_paid", "state", "detail")}),
        ("Provider", {"fields": ("provider", "notice_id", "reference")}),
        ("Times", {"fields": ("received_at", "settled_at")}),
    )
    readonly_fields = ("order_link", "amount_paid")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order_id", search_term), False

    @admin.display(description="amount")
    def amount_paid(self, notice: PaymentNotice) -> str:
        return money(notice.amount, notice.currency)

    @admin.display(description="order")
    def order_link(self, notice: PaymentNotice) -> SafeString:
        if notice.state == PaymentNotice.State.UNMATCHED:
            return unbroken(notice.order_id)
        url = reverse("admin:orders_order_change", args=[notice.order_id])
        return format_html('<a href="{}">{}</a>', url, unbroken(notice.order_id))
