"""The web admin of orders: who places them, who is told of them, and what went wrong."""

from . import (
    clients,
    dead_letters,
    lost_orders,
    notifications,
    orders,
    payments,
    reconciliations,
)

__all__ = [
    "clients",
    "dead_letters",
    "lost_orders",
    "notifications",
    "orders",
    "payments",
    "reconciliations",
]
