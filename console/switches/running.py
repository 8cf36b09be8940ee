"""The switches between open, paused and closed."""

from datetime import datetime

from inventory import services
from inventory.domain import SaleState
from inventory.models import Sale
from inventory.selectors import state_of
from shop.core import clock

from .base import Switch, moment


class Open(Switch):
    """Open a scheduled or paused sale now."""

    name, label, icon = "open", "Open now", "play_arrow"
    permission = "inventory.open_sale"

    @classmethod
    def fits(cls, sale: Sale, *, now: datetime) -> bool:
        return state_of(sale, now) in (SaleState.SCHEDULED, SaleState.PAUSED)

    def change(self) -> str:
        return f"state {state_of(self.sale, clock.now())} → open"

    def consequences(self) -> list[str]:
        lines = ["Orders are accepted within a second, in every web process."]
        if self.sale.opens_at > clock.now():
            lines.append(f"The announced opening time, {moment(self.sale.opens_at)}, is replaced.")
        return lines

    def apply(self, *, now: datetime) -> None:
        services.open_sale(self.sale, version=self.cleaned_data["version"], now=now)


class Pause(Switch):
    """Take no orders until the sale is opened again."""

    name, label, icon = "pause", "Pause", "pause"
    permission = "inventory.pause_sale"

    @classmethod
    def fits(cls, sale: Sale, *, now: datetime) -> bool:
        return state_of(sale, now) in (SaleState.SCHEDULED, SaleState.OPEN)

    def change(self) -> str:
        return f"state {state_of(self.sale, clock.now())} → paused"

    def consequences(self) -> list[str]:
        return [
            "New orders are refused with sale-not-open until the sale is opened again.",
            "Orders that hold stock live on: they can be paid, cancelled, and expire.",
        ]

    def apply(self, *, now: datetime) -> None:
        services.pause_sale(self.sale, version=self.cleaned_data["version"], now=now)


class Close(Switch):
    """Take no more orders, for good."""

    name, label, icon = "close", "Close for good", "stop"
    permission = "inventory.close_sale"
    dangerous = True

    @classmethod
    def fits(cls, sale: Sale, *, now: datetime) -> bool:
        return sale.closed_at is None

    def change(self) -> str:
        return f"state {state_of(self.sale, clock.now())} → closed"

    def consequences(self) -> list[str]:
        return [
            "The sale takes no more orders. This cannot be undone.",
            "Orders that hold stock live on: they can be paid, cancelled, and expire.",
        ]

    def apply(self, *, now: datetime) -> None:
        services.close_sale(self.sale, now=now)
