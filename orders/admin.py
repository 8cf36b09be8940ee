"""The web admin of orders, of the clients that place them, and of dead letters."""

import json
from collections.abc import Iterable
from typing import Any

import msgspec
from django.contrib import admin, messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from inventory.admin import money, of_order, uuid_in
from inventory.domain import entry_id_of
from inventory.errors import InventoryError
from inventory.models import Sale, StockMovement
from shop.core import clock
from shop.core.admin import (
    BIG_TABLE_HELP,
    BigTableAdmin,
    ReadOnlyAdmin,
    ShopAdmin,
    preformatted,
    table,
    unbroken,
)

from .domain import OrderRecord, format_order_id
from .models import ApiClient, DeadLetter, Order, OrderEvent, OrderLine
from .services import dead_letters, triage
from .services.clients import create_client

RECENT_SALES = 30
LETTERS_AT_ONCE = 50  # each is a transaction and a message of its own
PAYLOAD_SHOWN = 512


# --- Orders -------------------------------------------------------------------------------------


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


@admin.register(Order)
class OrderAdmin(BigTableAdmin):
    """Nobody edits an order by hand: its stock, ledger and events would not follow."""

    list_display = ("number", "sale", "customer", "status", "amount", "accepted_at")
    list_select_related = ("sale",)
    list_filter = ("status", SaleFilter)
    search_fields = ("id", "request_key", "customer")
    search_help_text = (
        "By order id, request id (Idempotency-Key) or customer, each in full; a rejected order "
        f"is not found by its request id. {BIG_TABLE_HELP}"
    )
    fieldsets = (
        (None, {"fields": ("id", "sale", "customer", "email", "status", "rejection", "amount")}),
        ("Lines", {"fields": ("lines",)}),
        ("Times", {"fields": ("accepted_at", "persisted_at", "hold_expires_at")}),
        ("Events", {"fields": ("events",)}),
        ("Ledger", {"fields": ("movements", "letters")}),
        ("Request", {"fields": ("client", "request_key", "http_request_id", "custom_data")}),
        ("Redis", {"fields": ("epoch", "entry", "release_place")}),
    )
    readonly_fields = (
        "id",
        "amount",
        "lines",
        "events",
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
        return (queryset.filter(_named(term)) if term else queryset), False

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

    @admin.display(description="events")
    def events(self, order: Order) -> SafeString:
        rows = order.events.order_by("sequence").values_list("sequence", "type", "created_at")
        return table(
            ("Sequence", "Type", "When"),
            [(sequence, type_, clock.rfc3339(clock.to_ms(at))) for sequence, type_, at in rows],
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


def _named(term: str) -> Q:
    """Match orders by id, request id or customer, each through its index.

    The index on request ids begins with the client and leaves out rejected orders; so does this.
    """
    clients = list(ApiClient.objects.values_list("pk", flat=True))
    request = Q(client__in=clients, request_key=term) & ~Q(status="rejected")
    matches = Q(customer=term) | request
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


# --- Clients ------------------------------------------------------------------------------------


@admin.register(ApiClient)
class ApiClientAdmin(ShopAdmin):
    """A key is shown once, when it is made. A client is switched off, never deleted."""

    list_display = ("name", "key_hint", "active", "rate_limit", "created_at")
    list_editable = ("active", "rate_limit")
    list_filter = ("active",)
    search_fields = ("name",)
    fields = ("name", "active", "rate_limit", "key_hint", "created_at")
    readonly_fields = ("key_hint", "created_at")
    actions = ("give_new_key",)

    def save_model(self, request: HttpRequest, obj: ApiClient, form: Any, change: bool) -> None:
        if change:
            # Not the key: it may have been changed since the form was opened.
            obj.save(update_fields=["name", "active", "rate_limit"])
            return
        created, key = create_client(name=obj.name)
        ApiClient.objects.filter(pk=created.pk).update(active=obj.active, rate_limit=obj.rate_limit)
        obj.pk = created.pk
        obj.refresh_from_db()
        self._show_key(request, obj, key)

    @admin.action(description="Give a new key", permissions=["change"])
    def give_new_key(self, request: HttpRequest, clients: QuerySet[ApiClient]) -> None:
        for client in clients:
            key = client.set_new_key()
            client.save(update_fields=["key_hash", "key_hint"])
            self.log_change(request, client, "Gave it a new key.")
            self._show_key(request, client, key)

    def _show_key(self, request: HttpRequest, client: ApiClient, key: str) -> None:
        self.message_user(
            request,
            format_html(
                "The key of {}: <code>{}</code> It is not shown again; an earlier key is refused "
                "within seconds.",
                client.name,
                key,
            ),
            messages.SUCCESS,
        )


# --- Dead letters -------------------------------------------------------------------------------


class ResolutionFilter(admin.SimpleListFilter):
    title = "resolution"
    parameter_name = "resolution"

    def lookups(self, request: HttpRequest, model_admin: Any) -> Iterable[tuple[Any, str]]:
        return [("none", "Unresolved"), *DeadLetter.Resolution.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        value = self.value()
        return queryset.filter(resolution="" if value == "none" else value) if value else queryset


@admin.register(DeadLetter)
class DeadLetterAdmin(ReadOnlyAdmin):
    """What was promised and could not be kept by itself: a person tries again or gives up."""

    list_display = ("id", "sale", "reason", "order", "created_at", "resolved")
    list_select_related = ("sale",)
    list_filter = (ResolutionFilter, "reason")
    search_fields = ("order_id",)
    search_help_text = "By order id, in full."
    ordering = ("resolution", "-pk")  # unresolved first
    actions = ("replay", "reject")
    fieldsets = (
        (None, {"fields": ("sale", "order_id", "reason", "detail", "created_at")}),
        ("What became of it", {"fields": ("resolved", "resolved_at")}),
        ("What it holds", {"fields": ("held_in_redis", "content")}),
        ("Where it came from", {"fields": ("entry_id", "epoch", "accepted_at", "held_until")}),
    )
    readonly_fields = (
        "created_at",
        "resolved",
        "held_in_redis",
        "content",
        "accepted_at",
        "held_until",
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("payload", "detail", "units")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order_id", search_term), False

    @admin.display(description="order id")
    def order(self, letter: DeadLetter) -> SafeString | None:
        return unbroken(letter.order_id) if letter.order_id else None

    @admin.display(description="resolution", ordering="resolution")
    def resolved(self, letter: DeadLetter) -> str:
        return letter.get_resolution_display() or "Unresolved"

    @admin.display(description="units held in Redis")
    def held_in_redis(self, letter: DeadLetter) -> SafeString:
        if letter.resolution:
            return SafeString("None.")
        return table(("Allocation", "Units"), letter.units.items())

    @admin.display(description="content")
    def content(self, letter: DeadLetter) -> SafeString:
        record = dead_letters.record_of(letter)
        return preformatted(_as_text(record) if record else _as_hex(bytes(letter.payload)))

    @admin.display(description="accepted at")
    def accepted_at(self, letter: DeadLetter) -> str:
        return clock.rfc3339(letter.accepted_at_ms)

    @admin.display(description="held until")
    def held_until(self, letter: DeadLetter) -> str:
        return clock.rfc3339(letter.held_until_ms) if letter.held_until_ms else "for good"

    def has_resolve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("orders.change_deadletter")

    @admin.action(description="Replay", permissions=["resolve"])
    def replay(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        for letter in letters[:LETTERS_AT_ONCE]:
            self._tell(request, letter, *_replay(letter))

    @admin.action(description="Give up: reject and release the stock", permissions=["resolve"])
    def reject(self, request: HttpRequest, letters: QuerySet[DeadLetter]) -> None:
        for letter in letters[:LETTERS_AT_ONCE]:
            self._tell(request, letter, *_reject(letter))

    def _tell(self, request: HttpRequest, letter: DeadLetter, level: int, outcome: str) -> None:
        self.log_change(request, letter, outcome)
        self.message_user(request, f"Dead letter {letter.pk}: {outcome}", level)


def _replay(letter: DeadLetter) -> tuple[int, str]:
    if letter.resolution:
        return messages.INFO, "It was resolved before; nothing was done."
    if not triage.replay(letter):
        return messages.ERROR, "It still cannot be persisted; its units stay held in Redis."
    order = Order.objects.get(pk=str(letter.order_id))
    if order.status == Order.Status.REJECTED:
        return messages.WARNING, f"Order {order.pk} is rejected ({order.rejection})."
    return messages.SUCCESS, f"Order {order.pk} is persisted: {order.get_status_display()}."


def _reject(letter: DeadLetter) -> tuple[int, str]:
    if letter.resolution:
        return messages.INFO, "It was resolved before; nothing was done."
    try:
        triage.reject(letter)
    except InventoryError as error:
        return messages.ERROR, f"Not rejected, try again later: {error}"
    if letter.order_id is None:
        return messages.WARNING, (
            "Rejected. What it holds cannot be read, so nothing was released: "
            f"manage.py reconcile {letter.sale.slug} shows what is missing."
        )
    return messages.SUCCESS, "Rejected; its stock is released."


def _as_text(record: OrderRecord) -> str:
    fields = msgspec.structs.asdict(record) | {
        "order_id": format_order_id(record.order_id),
        "fingerprint": record.fingerprint.hex(),
        "lines": [msgspec.structs.asdict(line) for line in record.lines],
    }
    return json.dumps(fields, indent=2, ensure_ascii=False, default=repr)


def _as_hex(payload: bytes) -> str:
    left_out = len(payload) - PAYLOAD_SHOWN
    more = f"\n… and {left_out:,} bytes more" if left_out > 0 else ""
    return "This is no order that can be read:\n" + payload[:PAYLOAD_SHOWN].hex(" ", -4) + more


def _link(letter: DeadLetter) -> SafeString:
    url = reverse("admin:orders_deadletter_change", args=[letter.pk])
    return format_html('<a href="{}">{}</a>', url, letter.entry_id)
