"""What waits for a person, over all sales."""

from orders.models import DeadLetter, Delivery, LostOrder, PaymentNotice


def waiting_for_a_person() -> dict[str, int]:
    """Return how much of each kind waits; each count is that of a partial index."""
    attention = PaymentNotice.objects.filter(state__in=PaymentNotice.NEEDS_ATTENTION)
    return {
        "dead letters": DeadLetter.objects.filter(resolution="").count(),
        "lost orders": LostOrder.objects.filter(confirmed=True).count(),
        "payment notices": attention.count(),
        "deliveries": Delivery.objects.filter(state=Delivery.State.DEAD).count(),
    }
