"""The switch for the limit per customer."""

from datetime import datetime
from typing import Any

from console.fields import NumberField
from inventory.domain import MAX_QUANTITY
from inventory.models import Sale
from inventory.services import rules
from orders.reconciliation.limits import change_limit
from shop.core import clock

from .base import SAME_KEY, Switch


class Limit(Switch):
    """Change how many units one customer may order over the whole sale."""

    name, label, icon = "limit", "Change the limit", "person_check"
    permission = "inventory.limit_sale"

    limit = NumberField(
        "Units per customer",
        min_value=0,
        max_value=MAX_QUANTITY,
        help_text="Over the whole sale. 0: as many as there are.",
    )

    def __init__(self, *args: Any, sale: Sale, **kwargs: Any) -> None:
        super().__init__(*args, sale=sale, **kwargs)
        self.fields["limit"].initial = sale.limit

    def clean_limit(self) -> int:
        limit: int = self.cleaned_data["limit"]
        self.show_refusal(lambda: rules.check_limit(self.sale, now=clock.now(), limit=limit))
        return limit

    def change(self) -> str:
        return f"limit per customer {self.sale.limit or 'none'} → {self._limit() or 'none'}"

    def consequences(self) -> list[str]:
        before, after = self.sale.limit, self._limit()
        if not after:
            return ["A customer may buy as much as there is.", SAME_KEY]
        lines = [f"From now on a customer may have bought {after:,} units, all orders together."]
        if not before:
            lines.append(
                "The sale had no limit, so what each customer has bought is counted first: orders "
                "are answered “try again” meanwhile, for seconds where there are many."
            )
        if before and after > before:
            lines.append(SAME_KEY)
        else:
            lines.append("Customers who have more keep it, and get no more.")
        return lines

    def apply(self, *, now: datetime) -> None:
        version = self.cleaned_data["version"]
        change_limit(self.sale, version=version, now=now, limit=self._limit())

    def _limit(self) -> int:
        limit: int = self.cleaned_data["limit"]
        return limit
