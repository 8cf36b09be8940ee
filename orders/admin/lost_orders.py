"""Lost orders: accepted, and in no store any more."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from inventory.admin import of_order
from orders.models import LostOrder
from shop.core.admin.lists import ReadOnlyAdmin, unbroken


@admin.register(LostOrder)
class LostOrderAdmin(ReadOnlyAdmin):
    """Lost orders. Their clients may place them again with the same key, once they know."""

    list_display = ("number", "sale", "client", "confirmed", "noted_at")
    list_select_related = ("sale", "client")
    list_filter = ("confirmed",)
    search_fields = ("order_id",)
    search_help_text = "By order id, in full."
    fields = ("order_id", "sale", "client", "confirmed", "noted_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order_id", search_term), False

    @admin.display(description="order id")
    def number(self, order: LostOrder) -> SafeString:
        return unbroken(order.order_id)
