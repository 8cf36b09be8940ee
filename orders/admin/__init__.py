"""The web admin of orders, of the clients that place them, and of dead letters."""

from . import clients, dead_letters, orders, payments, reconciliations

__all__ = ["clients", "dead_letters", "orders", "payments", "reconciliations"]
