"""The web admin of products, sales and the stock ledger."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from shop.core import clock
from shop.core.admin.lists import BIG_TABLE_HELP, BigTableAdmin, ReadOnlyAdmin, table, unbroken

from . import counters, selectors, services
from .domain import MAX_UNIT_PRICE
from .errors import CountersLost, InventoryError
from .imports.admin import ImportsProducts, ImportsStock
from .models import Allocation, Product, Sale, StockMovement
from .money import AmountRefused, to_minor, with_currency
from .reservation import SkuCounters

if TYPE_CHECKING:
    _ProductForm = forms.ModelForm[Product]
else:
    _ProductForm = forms.ModelForm


_PLAIN = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,9})?")


class PriceField(forms.DecimalField):
    """An amount in plain digits: 1e3, 1_000 and digits of other scripts are numbers to Python."""

    def to_python(self, value: Any) -> Any:
        text = str(value).strip() if value is not None else ""
        if text and (not _PLAIN.fullmatch(text) or (text[0] == "-" and not Decimal(text))):
            raise ValidationError("Write an amount like 12.50.")
        return super().to_python(text)


class ProductForm(_ProductForm):
    """Refuses a price that the product's currency cannot express: no sale could offer it."""

    price = PriceField(min_value=0, max_digits=19, decimal_places=4)

    def clean_price(self) -> Decimal:
        price: Decimal = self.cleaned_data["price"]
        currency = self.cleaned_data.get("currency") or self.instance.currency
        if price > MAX_UNIT_PRICE:
            raise ValidationError(f"A price is at most {MAX_UNIT_PRICE:,}.")
        try:
            to_minor(price, currency)
        except AmountRefused as error:
            raise ValidationError(str(error)) from error
        return price


@admin.register(Product)
class ProductAdmin(ImportsProducts):
    """Name and price can change; a running sale keeps the price that it was created with."""

    form = ProductForm
    # The price is checked by the currency, which therefore comes first.
    fields = ("sku", "name", "currency", "price")
    list_display = ("sku", "name", "list_price", "created_at")
    search_fields = ("sku", "name")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("sku", "currency") if obj else ()

    @admin.display(description="price", ordering="price")
    def list_price(self, product: Product) -> str:
        return with_currency(product.price, product.currency)


@admin.register(Sale)
class SaleAdmin(ImportsStock, ReadOnlyAdmin):
    """Sales are made by the command, which also loads their counters; the live page runs them."""

    list_display = (
        "slug",
        "name",
        "state",
        "opens_at",
        "closes_at",
        "limit",
        "payment_rule",
        "live",
    )
    list_filter = ("payment",)
    search_fields = ("slug", "name")
    search_help_text = (
        "By slug or name. To make a new sale: manage.py create_sale SLUG --sku CODE:QTY:PRICE"
    )
    actions = ("close",)
    fieldsets = (
        (None, {"fields": ("slug", "name", "state", "live", "payment", "currency", "created_at")}),
        ("Window", {"fields": ("opens_at", "closes_at", "paused", "closed_at")}),
        ("Rules", {"fields": ("limit", "hold_seconds", "epoch", "version")}),
        ("Stock", {"fields": ("stock", "orders")}),
    )
    readonly_fields = (
        "state",
        "live",
        "closed_at",
        "epoch",
        "version",
        "created_at",
        "stock",
        "orders",
    )

    @admin.display(description="live")
    def live(self, sale: Sale) -> SafeString:
        # By name only, as the orders below: the console lies above this app.
        url = reverse("console:live", args=[sale.pk])
        return format_html('<a class="shop-link" href="{}">Live page and switches</a>', url)

    @admin.display(description="state")
    def state(self, sale: Sale) -> str:
        return selectors.state_of(sale, clock.now()).value

    @admin.display(description="payment", ordering="payment")
    def payment_rule(self, sale: Sale) -> str:
        return sale.payment  # its label is a sentence

    @admin.display(description="stock")
    def stock(self, sale: Sale) -> SafeString:
        counted, note = _live_counters(sale)
        rows = [
            (
                row.product.sku,
                with_currency(row.unit_price, sale.currency),
                row.allocated,
                row.held,
                row.sold,
                counted[row.pk].available if row.pk in counted else "unknown",
            )
            for row in sale.allocations.select_related("product")
        ]
        headers = ("SKU", "Unit price", "Allocated", "Held", "Sold", "Available")
        return format_html("{}<p>{}</p>", table(headers, rows), note)

    @admin.display(description="orders")
    def orders(self, sale: Sale) -> SafeString:
        url = reverse("admin:orders_order_changelist", query={"sale": sale.pk})
        return format_html('<a class="shop-link" href="{}">Orders of this sale</a>', url)

    def has_close_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("inventory.close_sale")

    @admin.action(description="Close the selected sales", permissions=["close"])
    def close(self, request: HttpRequest, sales: QuerySet[Sale]) -> None:
        for sale in sales:
            level, outcome = _close(sale)
            self.log_change(request, sale, outcome)
            self.message_user(request, f"Sale {sale.slug}: {outcome}", level)


def _close(sale: Sale) -> tuple[int, str]:
    try:
        if services.close_sale(sale, now=clock.now()):
            return messages.SUCCESS, "Closed. Orders that hold stock live on."
    except InventoryError as error:
        return messages.ERROR, (
            f"Closed in PostgreSQL, but Redis does not know of it yet: {error} "
            "Closing the sale again tells Redis."
        )
    return messages.INFO, "It was closed already."


def _live_counters(sale: Sale) -> tuple[Mapping[int, SkuCounters], str]:
    """Return a sale's counters by allocation, and how far to trust them. Never fails."""
    try:
        snapshot = counters.snapshot(sale.pk, sale.slug)
        if snapshot.epoch != sale.epoch:
            raise CountersLost(sale.slug)
    except InventoryError as error:
        return {}, f"What is available is not known: {error}"
    return snapshot.skus, "Available is live from Redis; the rest is the ledger in PostgreSQL."


@admin.register(Allocation)
class AllocationAdmin(ReadOnlyAdmin):
    """The stock of each product in each sale, read-only: commands and imports change it."""

    list_display = ("id", "sale", "product", "price", "allocated", "held", "sold")
    list_select_related = ("sale", "product")
    search_fields = ("sale__slug", "product__sku")
    ordering = ("-pk",)
    fields = ("sale", "product", "price", "allocated", "held", "sold", "movements")
    readonly_fields = ("price", "movements")

    @admin.display(description="unit price")
    def price(self, allocation: Allocation) -> str:
        return with_currency(allocation.unit_price, allocation.sale.currency)

    @admin.display(description="movements")
    def movements(self, allocation: Allocation) -> SafeString:
        query = {"allocation__id__exact": allocation.pk}
        url = reverse("admin:inventory_stockmovement_changelist", query=query)
        return format_html('<a href="{}">Movements of this stock</a>', url)


@admin.register(StockMovement)
class StockMovementAdmin(BigTableAdmin):
    """The ledger. A correction is another movement, so there is nothing to edit."""

    list_display = (
        "id",
        "sale",
        "sku",
        "kind",
        "order",
        "allocated",
        "held",
        "sold",
        "created_at",
    )
    list_select_related = ("allocation__sale", "allocation__product")
    search_fields = ("order_id",)
    search_help_text = f"By order id, in full. {BIG_TABLE_HELP}"
    fields = ("allocation", "kind", "order_id", "allocated", "held", "sold", "created_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Any], search_term: str
    ) -> tuple[QuerySet[Any], bool]:
        return of_order(queryset, "order_id", search_term), False

    @admin.display(description="sale")
    def sale(self, movement: StockMovement) -> str:
        return movement.allocation.sale.slug

    @admin.display(description="SKU")
    def sku(self, movement: StockMovement) -> str:
        return movement.allocation.product.sku

    @admin.display(description="order id")
    def order(self, movement: StockMovement) -> SafeString | None:
        return unbroken(movement.order_id) if movement.order_id else None


def of_order(rows: QuerySet[Any], field: str, search_term: str) -> QuerySet[Any]:
    """Return the rows whose `field` is the order id searched for; all where nothing is."""
    if not (term := search_term.strip()):
        return rows
    order_id = uuid_in(term)
    return rows.filter(**{field: order_id}) if order_id else rows.none()


def uuid_in(text: str) -> UUID | None:
    """Return `text` as a UUID, or None where it is none."""
    try:
        return UUID(text)
    except ValueError:
        return None
