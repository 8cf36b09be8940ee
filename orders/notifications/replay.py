"""Sending again what was delivered or given up."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from orders.models import Delivery, Endpoint

BATCH = 1000  # deliveries changed in one transaction, so that none holds locks for long
_ENDED = (Delivery.State.DELIVERED, Delivery.State.DEAD)


class Replayed(NamedTuple):
    """The result of a replay, in deliveries."""

    again: int  # deliveries that are sent again
    left_alone: int  # deliveries of endpoints that are off, or whose client is


def ended_deliveries(
    *, since: datetime | None = None, until: datetime | None = None, dead_only: bool = False
) -> QuerySet[Delivery]:
    """Return deliveries of events from `since` to before `until` that were given up, or also those
    that have arrived."""
    ended = Delivery.objects.filter(state__in=[Delivery.State.DEAD] if dead_only else _ENDED)
    # A delivery is written with its event, in one statement: their times are the same.
    if since:
        ended = ended.filter(created_at__gte=since)
    if until:
        ended = ended.filter(created_at__lt=until)
    return ended


def replay(deliveries: QuerySet[Delivery]) -> Replayed:
    """Send these deliveries again, an order's in their sequence, with the ids that they had.

    What is under way is left to itself; what belongs to an endpoint that is off is left
    alone, and so is what belongs to a client that is.
    """
    ended = deliveries.filter(state__in=_ENDED).order_by("pk")
    ids = ended.values_list("pk", flat=True).iterator(chunk_size=BATCH)
    again = left_alone = 0
    for batch in _batches(ids):
        changed = _replay_batch(batch)
        again += changed.again
        left_alone += changed.left_alone
    return Replayed(again, left_alone)


def _replay_batch(ids: Sequence[int]) -> Replayed:
    ended = Delivery.objects.filter(pk__in=ids, state__in=_ENDED)
    switched_on = Q(active=True) & (Q(client__isnull=True) | Q(client__active=True))
    active = list(Endpoint.objects.filter(switched_on).values_list("pk", flat=True))
    left_alone = ended.exclude(endpoint__in=active).count()
    again = ended.filter(endpoint__in=active).update(
        state=Delivery.State.PENDING, attempts=0, due_at=Now()
    )
    return Replayed(again, left_alone)


def _batches(ids: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(ids)
    while batch := list(islice(rest, BATCH)):
        yield batch
