"""Payments that wait, as the dashboard and the live page show them."""

from typing import Any

from inventory.money import with_currency
from orders.reads.selectors import waiting_payments
from shop.core import clock


def payments_waiting() -> dict[str, Any]:
    """Return how many payments are received and not applied, since when, and what is owed."""
    waiting = waiting_payments()
    return {
        "count": waiting.count,
        "oldest_seconds": round(waiting.age_seconds(clock.now()), 1),
        "due_back": [
            with_currency(due, currency) for currency, due in sorted(waiting.due_back.items())
        ],
    }
