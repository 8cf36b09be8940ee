"""Payments that wait, as the dashboard and the live page show them."""

from typing import Any

from inventory.admin import money
from orders.selectors import waiting_payments
from shop.core import clock


def payments_waiting() -> dict[str, Any]:
    """Return how many payments are received and not applied, since when, and what is owed."""
    waiting = waiting_payments()
    return {
        "count": waiting.count,
        "oldest_seconds": round(waiting.age_seconds(clock.now()), 1),
        "due_back": [money(due, currency) for currency, due in sorted(waiting.due_back.items())],
    }
