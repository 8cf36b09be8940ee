"""What went wrong in a way that no program mends: how much of it there is, and where to see it."""

from typing import Any

from django.db.models import QuerySet
from django.urls import reverse

from orders.models import DeadLetter, Delivery, LostOrder, PaymentNotice


def waiting_for_a_person() -> list[dict[str, Any]]:
    """Return each kind of trouble with its count and the list that shows it."""
    attention = PaymentNotice.objects.filter(state__in=PaymentNotice.NEEDS_ATTENTION)
    letters, lost = (
        DeadLetter.objects.filter(resolution=""),
        LostOrder.objects.filter(confirmed=True),
    )
    deliveries = Delivery.objects.filter(state=Delivery.State.DEAD)
    rows: list[tuple[str, QuerySet[Any], str, dict[str, str]]] = [
        ("Dead letters", letters, "deadletter", {"resolution": "none"}),
        ("Lost orders", lost, "lostorder", {"confirmed__exact": "1"}),
        ("Payment notices", attention, "paymentnotice", {"state": "attention"}),
        ("Dead deliveries", deliveries, "delivery", {"state__exact": "dead"}),
    ]
    return [
        {
            "what": what,
            "count": found.count(),
            "url": reverse(f"admin:orders_{model}_changelist", query=query),
        }
        for what, found, model, query in rows
    ]
