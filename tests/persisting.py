"""Doing by hand what the workers do, for tests that need no process for it."""

from inventory import outbox
from inventory.models import Sale
from orders.persistence.drain import drain


def persist(sale: Sale) -> int:
    """Persist all that is in the sale's outbox. Returns how many entries that were."""
    return drain(sale.pk, consumer="test", out_of_time=lambda: False)


def backlog(sale: Sale) -> int:
    """Return how many accepted orders of `sale` are not persisted yet."""
    return outbox.backlogs([sale.pk])[sale.pk]
