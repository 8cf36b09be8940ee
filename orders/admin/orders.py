"""Orders: a list that is searchable at any length, and a page with the story of each."""

from decimal import Decimal
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from inventory.admin import uuid_in
from inventory.money import with_currency
from orders.models import Order
from orders.reads.selectors import payment_in_time
from shop.core import clock
from shop.core.admin.lists import BIG_TABLE_HELP, unbroken

from .badges import TONES, badge, moment
from .exports import ExportsOrders
from .filters import RefundFilter, SaleFilter, matching
from .order_actions import BEING_PAID, OrderActions, open_to
from .timeline import timeline_of

LINES_SHOWN = 100  # an order has at most 20


@admin.register(Order)
class OrderAdmin(OrderActions, ExportsOrders):
    """Orders, read-only: stock, ledger and events would not follow an edit by hand."""

    change_form_template = "admin/orders/order_page.html"
    list_display = ("number", "sale", "customer", "state", "amount", "accepted")
    list_select_related = ("sale",)
    list_filter = ("status", RefundFilter, SaleFilter)
    search_fields = ("id", "request_key", "customer")
    search_help_text = (
        f"By order id, request id (Idempotency-Key) or customer, each in full. {BIG_TABLE_HELP}"
    )
    fields = ("id",)  # the page's own template shows the rest
    readonly_fields = ("id",)

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Return newest first; within a sale by the outbox position, which its index has."""
        return ("-position",) if SaleFilter.parameter_name in request.GET else ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(matching(term)) if term else queryset), False

    def get_object(
        self, request: HttpRequest, object_id: str | UUID, from_field: str | None = None
    ) -> Order | None:
        order_id = uuid_in(str(object_id))
        if order_id is None:
            return None
        return Order.objects.select_related("sale", "client").filter(pk=order_id).first()

    def get_actions_detail(self, request: HttpRequest, object_id: str) -> list[Any]:
        """Offer the actions that the order's status allows: the others could only be refused."""
        allowed: list[Any] = super().get_actions_detail(  # type: ignore[misc]
            request, object_id
        )
        order = self.get_object(request, object_id) if allowed else None
        names = open_to(order) if order else set()
        return [action for action in allowed if action.path in names]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        order: Order = kwargs["obj"]
        context |= {
            "order": order,
            "status": badge(order.get_status_display(), TONES.get(order.status, "plain")),
            "amount": self.amount(order),
            "to_refund": with_currency(order.refund_due, order.currency)
            if order.refund_due
            else "",
            "being_paid": BEING_PAID if payment_in_time(order) else "",
            "accepted": moment(order.accepted_at),
            "hold_end": moment(order.hold_expires_at) if order.hold_expires_at else "",
            "lines": _lines(order),
            "metadata": order.metadata if order.metadata != "{}" else "",
            "timeline": timeline_of(order, now=clock.now()),
        }
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description="id")
    def number(self, order: Order) -> SafeString:
        return unbroken(order.pk)

    @admin.display(description="status")
    def state(self, order: Order) -> SafeString:
        return badge(order.get_status_display(), TONES.get(order.status, "plain"))

    @admin.display(description="accepted at")
    def accepted(self, order: Order) -> SafeString:
        return unbroken(moment(order.accepted_at))

    @admin.display(description="total")
    def amount(self, order: Order) -> str:
        return with_currency(order.total, order.currency)


def _lines(order: Order) -> list[tuple[str, str, int, str, str]]:
    """Return an order's lines: SKU, product, quantity, unit price, price."""
    names = ("allocation__product__sku", "allocation__product__name", "quantity", "unit_price")
    return [
        (sku, name, count, _amount(price, order), _amount(count * price, order))
        for sku, name, count, price in order.lines.values_list(*names)[:LINES_SHOWN]
    ]


def _amount(price: Decimal, order: Order) -> str:
    """Return an amount without its currency, which the total has said."""
    return with_currency(price, order.currency).removesuffix(f" {order.currency}")
