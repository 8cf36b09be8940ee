"""Delivery in batches, for channels that send one message after the other."""

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import closing

from django.conf import settings
from django.db import transaction

from orders.models import Endpoint
from shop.core.stores.locks import try_alone

from . import claims, results
from .claims import Claim
from .event_payload import EventPayload, read_payloads
from .outcomes import ENDLESS, NotTried, Outcome
from .results import Attempt

ROUND = 100  # deliveries to a connection

# A channel sends a message for each payload and yields its outcome, in their order. It may stop
# early: payloads without an outcome were not tried. Closing it closes its connection.
Outcomes = Generator[Outcome, None, None]
SendBatch = Callable[[Sequence[EventPayload]], Outcomes]


def deliver_batches(channel: Endpoint.Channel, send_batch: SendBatch) -> int:
    """Deliver what is due to a channel until nothing is, or for NOTIFY_TASK_SECONDS.

    One runs at a time for each channel, a second returns at once. Returns how many deliveries were
    claimed.
    """
    deadline = time.monotonic() + settings.NOTIFY_TASK_SECONDS
    done = 0
    with try_alone(f"deliver {channel.value}") as alone:
        if alone:
            results.dead_letter_exhausted(channel)
        while alone and time.monotonic() < deadline:
            claimed = _claim(channel)
            if claimed is None:
                break
            _deliver(*claimed, send_batch, deadline)
            done += len(claimed[1])
    return done


def _claim(channel: Endpoint.Channel) -> tuple[int, list[Claim]] | None:
    """Claim a round; None where nothing is due."""
    found = claims.endpoints_with_work(channel, limit=1)
    if not found:
        return None
    with transaction.atomic():
        endpoint = claims.lock_endpoint(found[0])
        claimed, more = claims.claim_due(endpoint, ROUND)
    return (endpoint.pk, claimed) if claimed or more else None


def _deliver(
    endpoint_id: int, claimed: Sequence[Claim], send_batch: SendBatch, deadline: float
) -> None:
    """Send a round and write down what became of it, also of a part where sending breaks off."""
    outcomes: dict[Claim, Outcome] = {
        claim: ENDLESS if claim.is_beyond_the_last else NotTried() for claim in claimed
    }
    to_send = [claim for claim in claimed if not claim.is_beyond_the_last]
    payloads = read_payloads([claim.event_id for claim in to_send])
    try:
        with closing(send_batch([payloads[claim.event_id] for claim in to_send])) as sending:
            for claim, outcome in zip(to_send, sending, strict=False):
                outcomes[claim] = outcome
                if time.monotonic() > deadline:
                    break
    finally:
        with transaction.atomic():
            endpoint = claims.lock_endpoint(endpoint_id)
            results.record(endpoint, [Attempt(*ended) for ended in outcomes.items()])
