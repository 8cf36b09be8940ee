"""The web admin of orders: who places them, who is told of them, and what went wrong."""

from . import (
    clients,
    dead_letters,
    deliveries,
    endpoints,
    lost_orders,
    orders,
    parts,
    payments,
    reconciliations,
)

__all__ = [
    "clients",
    "dead_letters",
    "deliveries",
    "endpoints",
    "lost_orders",
    "orders",
    "parts",
    "payments",
    "reconciliations",
]
