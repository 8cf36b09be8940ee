"""The web admin of orders: orders, their clients and endpoints, payments, and faults."""

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
