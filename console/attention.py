"""Faults that no program mends: how many of each kind there are, and the list that shows them."""

from typing import Any

from django.urls import reverse

from orders.reads.selectors import waiting_for_a_person

_LISTS = {
    "dead letters": ("Dead letters", "deadletter", {"resolution": "none"}),
    "lost orders": ("Lost orders", "lostorder", {"confirmed__exact": "1"}),
    "payment notices": ("Payment notices", "paymentnotice", {"state": "attention"}),
    "provider messages": ("Provider messages", "providermessage", {"handled": "no"}),
    "deliveries": ("Dead deliveries", "delivery", {"state__exact": "dead"}),
}


def needing_attention() -> list[dict[str, Any]]:
    """Return each kind of fault with its count and the URL of its list."""
    rows = [(_LISTS[kind], found) for kind, found in waiting_for_a_person().items()]
    return [
        {
            "what": what,
            "count": found.count(),
            "url": reverse(f"admin:orders_{model}_changelist", query=query),
        }
        for (what, model, query), found in rows
    ]
