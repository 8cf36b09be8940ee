"""Orders and their parts: to be found and looked at, at any number of them."""

import json
from collections.abc import Iterable
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory.admin import money, of_order, uuid_in
from inventory.models import Sale, StockMovement
from inventory.reservation import entry_id_of
from orders.models import (
    ApiClient,
    DeadLetter,
    Delivery,
    Order,
    OrderEvent,
    OrderLine,
    PaymentNotice,
)
from shop.core import clock
from shop.core.admin import BIG_TABLE_HELP, BigTableAdmin, preformatted, table, unbroken

RECENT_SALES = 30


class SaleFilter(admin.SimpleListFilter):
    """Offers the latest sales; years of them would make a list longer than the page."""

    title = "sale"
    parameter_name = "sale"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        latest = list(Sale.objects.order_by("-pk").values_list("pk", "slug")[:RECENT_SALES])
        return [(str(pk), slug) for pk, slug in latest]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(sale=value) if value and value.isdecimal() else queryset


class RefundFilter(admin.SimpleListFilter):
    """Orders that money has to go back for."""

    title = "refund"
    parameter_name = "refund"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("due", "Due")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(refund_due__isnull=False) if self.value() == "due" else queryset


@admin.register(Order)
class OrderAdmin(BigTableAdmin):
    """Nobody edits an order by hand: its stock, ledger and events would not follow."""

    list_display = ("number", "sale", "customer", "status", "amount", "accepted_at")
    list_select_related = ("sale",)
    list_filter = ("status", RefundFilter, SaleFilter)
    search_fields = ("id", "request_key", "customer")
    search_help_text = (
        f"By order id, request id (Idempotency-Key) or customer, each in full. {BIG_TABLE_HELP}"
    )
    fieldsets = (
        (None, {"fields": ("id", "sale", "customer", "email", "status", "rejection", "amount")}),
        ("Lines", {"fields": ("lines",)}),
        ("Payments", {"fields": ("payments", "to_refund")}),
        ("Times", {"fields": ("accepted_at", "persisted_at", "hold_expires_at")}),
        ("Events", {"fields": ("events", "deliveries")}),
        ("Ledger", {"fields": ("movements", "letters")}),
        ("Request", {"fields": ("client", "request_key", "http_request_id", "custom_data")}),
        ("Redis", {"fields": ("epoch", "entry", "release_place")}),
    )
    readonly_fields = (
        "id",
        "amount",
        "lines",
        "payments",
        "to_refund",
        "events",
        "deliveries",
        "movements",
        "letters",
        "custom_data",
        "entry",
    )

    def get_ordering(self, request: HttpRequest) -> tuple[str, ...]:
        """Newest first; within a sale by its index, where the outbox position is the order."""
        return ("-position",) if SaleFilter.parameter_name in request.GET else ("-pk",)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        term = search_term.strip()
        return (queryset.filter(matching(term)) if term else queryset), False

    @admin.display(description="id")
    def number(self, order: Order) -> SafeString:
        return unbroken(order.pk)

    @admin.display(description="total")
    def amount(self, order: Order) -> str:
        return money(order.total, order.currency)

    @admin.display(description="lines")
    def lines(self, order: Order) -> SafeString:
        rows = order.lines.values_list("allocation__product__sku", "quantity", "unit_price")
        return table(
            ("SKU", "Quantity", "Unit price"),
            [(sku, quantity, money(price, order.currency)) for sku, quantity, price in rows],
        )

    @admin.display(description="payments")
    def payments(self, order: Order) -> SafeString:
        found = PaymentNotice.objects.filter(order_id=order.pk).order_by("pk")
        return table(
            ("Notice", "Amount", "Reference", "State", "When"),
            [
                (
                    _notice_link(notice),
                    money(notice.amount, notice.currency),
                    notice.reference,
                    notice.get_state_display(),
                    clock.rfc3339(clock.to_ms(notice.received_at)),
                )
                for notice in found
            ],
        )

    @admin.display(description="to be refunded")
    def to_refund(self, order: Order) -> str:
        return money(order.refund_due, order.currency) if order.refund_due else "Nothing."

    @admin.display(description="events")
    def events(self, order: Order) -> SafeString:
        rows = order.events.order_by("sequence").values_list("sequence", "type", "created_at")
        return table(
            ("Sequence", "Type", "When"),
            [(sequence, type_, clock.rfc3339(clock.to_ms(at))) for sequence, type_, at in rows],
        )

    @admin.display(description="who was told")
    def deliveries(self, order: Order) -> SafeString:
        found = Delivery.objects.filter(order_id=order.pk).order_by("endpoint", "sequence")
        return table(
            ("Endpoint", "Event", "State", "Attempts", "Last answer"),
            [
                (
                    delivery.endpoint,
                    delivery.event.type,
                    delivery.get_state_display(),
                    delivery.attempts,
                    delivery.last_error or delivery.last_status or "",
                )
                for delivery in found.select_related("endpoint", "event")
            ],
        )

    @admin.display(description="movements")
    def movements(self, order: Order) -> SafeString:
        found = StockMovement.objects.filter(order_id=order.pk).order_by("pk")
        return table(
            ("SKU", "Kind", "Held", "Sold", "When"),
            [
                (
                    movement.allocation.product.sku,
                    movement.get_kind_display(),
                    _change(movement.held),
                    _change(movement.sold),
                    clock.rfc3339(clock.to_ms(movement.created_at)),
                )
                for movement in found.select_related("allocation__product")
            ],
        )

    @admin.display(description="dead letters")
    def letters(self, order: Order) -> SafeString:
        found = DeadLetter.objects.filter(order_id=order.pk).defer("payload")
        return table(
            ("Letter", "Reason", "Resolution"),
            [
                (_link(letter), letter.reason, letter.get_resolution_display() or "Unresolved")
                for letter in found
            ],
        )

    @admin.display(description="metadata")
    def custom_data(self, order: Order) -> SafeString:
        return preformatted(json.dumps(order.metadata, indent=2, ensure_ascii=False))

    @admin.display(description="outbox entry")
    def entry(self, order: Order) -> str:
        return entry_id_of(order.position).decode()


def _change(units: int) -> str:
    return f"{units:+}" if units else "0"


def matching(term: str) -> Q:
    """Match orders by id, request id or customer, each through its index.

    The index on request ids begins with the client and leaves out rejected orders: those are few,
    and have an index of their own.
    """
    clients = list(ApiClient.objects.values_list("pk", flat=True))
    request = Q(client__in=clients, request_key=term) & ~Q(status="rejected")
    matches = Q(customer=term) | request | Q(status="rejected", request_key=term)
    order_id = uuid_in(term)
    return matches | Q(pk=order_id) if order_id else matches


class _PartOfOrderAdmin(BigTableAdmin):
    search_fields = ("order",)
    search_help_text = f"By order id, in full. {BIG_TABLE_HELP}"

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order", search_term), False

    @admin.display(description="order")
    def order_link(self, part: Any) -> SafeString:
        url = reverse("admin:orders_order_change", args=[part.order_id])
        return format_html('<a href="{}">{}</a>', url, unbroken(part.order_id))


@admin.register(OrderLine)
class OrderLineAdmin(_PartOfOrderAdmin):
    list_display = ("id", "order_link", "sku", "quantity", "price")
    list_select_related = ("allocation__product", "allocation__sale")
    fields = ("order", "allocation", "quantity", "price")
    readonly_fields = ("price",)

    @admin.display(description="SKU")
    def sku(self, line: OrderLine) -> str:
        return line.allocation.product.sku

    @admin.display(description="unit price")
    def price(self, line: OrderLine) -> str:
        return money(line.unit_price, line.allocation.sale.currency)


@admin.register(OrderEvent)
class OrderEventAdmin(_PartOfOrderAdmin):
    list_display = ("id", "order_link", "sequence", "type", "created_at")
    fields = ("order", "sequence", "type", "created_at")


def _notice_link(notice: PaymentNotice) -> SafeString:
    url = reverse("admin:orders_paymentnotice_change", args=[notice.pk])
    return format_html('<a href="{}">{}</a>', url, notice.get_type_display())


def _link(letter: DeadLetter) -> SafeString:
    url = reverse("admin:orders_deadletter_change", args=[letter.pk])
    return format_html('<a href="{}">{}</a>', url, letter.entry_id)
