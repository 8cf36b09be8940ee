"""The switches of a sale: each has its fields, its consequences in words, and its change."""

from .base import Switch
from .customer_limit import Limit
from .restock import Restock
from .running import Close, Open, Pause
from .sale_window import Window

__all__ = ["SWITCHES", "Switch"]

SWITCHES: dict[str, type[Switch]] = {
    each.name: each for each in (Open, Pause, Window, Restock, Limit, Close)
}
