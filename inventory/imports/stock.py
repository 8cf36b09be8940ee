"""Stock from a file: units to add to what a sale has of SKUs that it offers."""

from collections import Counter
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.core.exceptions import ValidationError
from import_export import fields, resources
from import_export.instance_loaders import BaseInstanceLoader
from tablib import Dataset

from inventory.domain import MAX_QUANTITY
from inventory.errors import CountersLost, CountersUnavailable
from inventory.models import Allocation, Sale
from inventory.money import format_amount
from inventory.services.receive_stock import receive_stock
from shop.core import clock

from .columns import Column, Columns, Holds, WholeFile
from .products import TWICE

_COLUMNS = (
    Column("sku", Holds.CODE),
    Column("quantity", Holds.UNITS),
    Column("price", Holds.AMOUNT, is_required=False),
)


@dataclass(slots=True)
class StockRow:
    """One row of the file, as text."""

    sku: str = ""
    quantity: str = ""
    price: str = ""


class StockResource(WholeFile, resources.Resource):
    """A file of SKUs and quantities for one sale, in the version that a person has seen.

    Its price column, if there is one, has to repeat the sale's price: a running sale keeps it.
    """

    sku = fields.Field(attribute="sku", column_name="sku")
    quantity = fields.Field(attribute="quantity", column_name="quantity")
    price = fields.Field(attribute="price", column_name="price")

    class Meta:
        import_id_fields = ("sku",)
        instance_loader_class = BaseInstanceLoader  # nothing is loaded for a row
        skip_diff = True
        store_row_values = True
        use_transactions = False  # the service has its own, and writes to Redis after it

    def __init__(self, sale: Sale, *, version: int) -> None:
        super().__init__()
        self.columns = Columns(_COLUMNS, sale.currency)
        self.sale, self.version = sale, version
        self.state = str(version)
        self.units: dict[int, int] = {}
        self.warning = ""  # what is to be said of it although it is done

    def get_db_connection_name(self) -> str:
        return "default"

    def before_import(self, dataset: Dataset, **kwargs: Any) -> None:
        self.counted = Counter(dataset["sku"])
        rows = Allocation.objects.filter(sale=self.sale, product__sku__in=self.counted)
        self.offered = {row.product.sku: row for row in rows.select_related("product")}

    def get_or_init_instance(self, instance_loader: Any, row: Any) -> tuple[StockRow, bool]:
        return StockRow(), True

    def validate_instance(
        self, instance: StockRow, import_validation_errors: Any = None, validate_unique: bool = True
    ) -> None:
        errors = {
            name: text
            for name, text in (
                ("sku", self._wrong_sku(instance.sku)),
                ("quantity", _wrong_quantity(instance.quantity)),
                ("price", self._wrong_price(instance)),
            )
            if text
        }
        if errors:
            raise ValidationError(errors)

    def save_instance(self, instance: StockRow, is_create: bool, row: Any, **kwargs: Any) -> None:
        self.units[self.offered[instance.sku].pk] = int(instance.quantity)

    def after_import(self, dataset: Dataset, result: Any, **kwargs: Any) -> None:
        """Add it all, unless a row was refused or this was only a preview. An error of the service
        becomes one of the file."""
        if kwargs["dry_run"] or result.has_errors() or result.has_validation_errors():
            return
        try:
            receive_stock(self.sale, version=self.version, now=clock.now(), units=self.units)
        except (CountersLost, CountersUnavailable) as error:
            self.warning = f"Added in PostgreSQL, but Redis does not know of it yet: {error}"

    def _wrong_sku(self, sku: str) -> str:
        if not sku:
            return "The SKU is empty. A row of totals has to be left out."
        if sku not in self.offered:
            return f"The sale does not offer {sku!r}."
        return TWICE if self.counted[sku] > 1 else ""

    def _wrong_price(self, row: StockRow) -> str:
        offered = self.offered.get(row.sku)
        if not row.price or offered is None:
            return ""
        try:
            same = Decimal(row.price) == offered.unit_price
        except InvalidOperation:
            same = False
        price = format_amount(offered.unit_price, self.sale.currency)
        return "" if same else f"The sale keeps its price of {price}."


def _wrong_quantity(text: str) -> str:
    fits = text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= MAX_QUANTITY
    return "" if fits else f"A quantity is a whole number from 1 to {MAX_QUANTITY:,}."
