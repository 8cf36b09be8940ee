"""The parts of orders in lists of their own: lines and events."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from inventory.admin import of_order
from inventory.money import with_currency
from orders.models import OrderEvent, OrderLine
from shop.core.admin.lists import BIG_TABLE_HELP, BigTableAdmin

from .badges import link_to_pk


class _PartOfOrderAdmin(BigTableAdmin):
    search_fields = ("order",)
    search_help_text = f"By order id, in full. {BIG_TABLE_HELP}"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order", search_term), False

    @admin.display(description="order")
    def order_link(self, part: Any) -> SafeString:
        return link_to_pk("orders.order", part.order_id, part.order_id)


@admin.register(OrderLine)
class OrderLineAdmin(_PartOfOrderAdmin):
    """The lines of orders, read-only."""

    list_display = ("id", "order_link", "sku", "quantity", "price")
    list_select_related = ("allocation__product", "allocation__sale")
    fields = ("order", "allocation", "quantity", "price")
    readonly_fields = ("price",)

    @admin.display(description="SKU")
    def sku(self, line: OrderLine) -> str:
        return line.allocation.product.sku

    @admin.display(description="unit price")
    def price(self, line: OrderLine) -> str:
        return with_currency(line.unit_price, line.allocation.sale.currency)


@admin.register(OrderEvent)
class OrderEventAdmin(_PartOfOrderAdmin):
    """The events of orders, read-only."""

    list_display = ("id", "order_link", "sequence", "type", "created_at")
    fields = ("order", "sequence", "type", "created_at")
