"""The switch that adds units of a SKU."""

from datetime import datetime
from typing import Any

from console.fields import NumberField, SkuField
from inventory import services
from inventory.domain import MAX_QUANTITY
from inventory.models import Allocation, Sale

from .base import SAME_KEY, Switch


class Restock(Switch):
    """Put more units of a SKU on sale."""

    name, label, icon = "stock", "Add stock", "add_box"
    permission = "inventory.restock_sale"

    allocation = SkuField("SKU")
    units = NumberField("Units to add", min_value=1, max_value=MAX_QUANTITY)

    def __init__(self, *args: Any, sale: Sale, **kwargs: Any) -> None:
        super().__init__(*args, sale=sale, **kwargs)
        rows = sale.allocations.select_related("product").order_by("pk")
        self.fields["allocation"].queryset = rows  # type: ignore[attr-defined]

    def change(self) -> str:
        row, units = self._row(), self.cleaned_data["units"]
        return f"{row.product.sku}: allocated {row.allocated:,} → {row.allocated + units:,}"

    def consequences(self) -> list[str]:
        units, sku = self.cleaned_data["units"], self._row().product.sku
        return [
            f"{units:,} more of {sku} can be bought at once. They cannot be taken back.",
            SAME_KEY,
        ]

    def apply(self, *, now: datetime) -> None:
        services.add_stock(
            self.sale,
            version=self.cleaned_data["version"],
            now=now,
            allocation_id=self._row().pk,
            units=self.cleaned_data["units"],
        )

    def _row(self) -> Allocation:
        row: Allocation = self.cleaned_data["allocation"]
        return row
