"""The web admin of orders: who places them, who is told of them, and what went wrong."""

from . import (
    api_clients,
    dead_letters,
    deliveries,
    endpoints,
    lost_orders,
    order_parts,
    orders,
    payment_notices,
    reconciliations,
)

__all__ = [
    "api_clients",
    "dead_letters",
    "deliveries",
    "endpoints",
    "lost_orders",
    "order_parts",
    "orders",
    "payment_notices",
    "reconciliations",
]
