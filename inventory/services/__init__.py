"""Writes to sales and stock: each in one transaction, with its movements in the ledger."""

from .allocations import add_stock
from .movements import Move, correct_stock, lock_free_units, move_stock
from .publishing import publish_rules, sync_to_redis
from .rules import change_window, close_sale, open_sale, pause_sale
from .sales import create_sale

__all__ = [
    "Move",
    "add_stock",
    "change_window",
    "close_sale",
    "correct_stock",
    "create_sale",
    "lock_free_units",
    "move_stock",
    "open_sale",
    "pause_sale",
    "publish_rules",
    "sync_to_redis",
]
