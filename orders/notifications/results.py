"""Writing down what became of attempts: in the deliveries, and in the health of their endpoint."""

import logging
import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from django.conf import settings
from django.db import transaction

from orders.models import Delivery, Endpoint
from orders.services import sent_count
from shop.core import clock
from shop.core.stores import sql

from .backoff import CAP_SECONDS, MAX_ATTEMPTS, wait_seconds
from .claims import Claim
from .outcomes import Delivered, DisableEndpoint, NotTried, Outcome, RetryLater

logger = logging.getLogger(__name__)

SQL = Path(__file__).parent / "sql"
BURY_AT_ONCE = 1000
_ERROR_LENGTH = Delivery._meta.get_field("last_error").max_length
_REASON_LENGTH = Endpoint._meta.get_field("disabled_reason").max_length
_COLUMNS = ("id", "attempt", "state", "wait_seconds", "tried", "status", "error")
_uniform = random.SystemRandom().uniform


class Attempt(NamedTuple):
    """A claim that has come to an end."""

    claim: Claim
    outcome: Outcome


def record(endpoint: Endpoint, attempts: Sequence[Attempt]) -> bool:
    """Write down what became of claims at an endpoint, which the caller has locked.

    Returns whether this has disabled the endpoint; the operators are to be told then, after the
    transaction.
    """
    if not attempts:
        return False
    rows = [_row(claim, outcome) for claim, outcome in attempts]
    changed = {pk for (pk,) in sql.run(SQL / "record_deliveries.sql", sql.columns(_COLUMNS, rows))}
    _count_arrived(endpoint, [a for a in attempts if a.claim.delivery_id in changed])
    return _note_health(endpoint, [outcome for _, outcome in attempts], clock.now())


def _count_arrived(endpoint: Endpoint, attempts: Sequence[Attempt]) -> None:
    """Count for monitoring what has arrived, once that is written for good."""
    arrived = sum(isinstance(outcome, Delivered) for _, outcome in attempts)
    if arrived:
        transaction.on_commit(partial(sent_count.count, endpoint.channel, arrived))


def dead_letter_exhausted(channel: Endpoint.Channel) -> int:
    """Give up deliveries to endpoints that were disabled for a reason. Returns how many: a number
    of BURY_AT_ONCE means that there may be more."""
    parameters = {"channel": channel.value, "limit": BURY_AT_ONCE}
    [(count,)] = sql.run(SQL / "dead_letter_deliveries.sql", parameters)
    return int(count)


def _row(claim: Claim, outcome: Outcome) -> tuple[Any, ...]:
    state, wait = _next(claim, outcome)
    tried = not isinstance(outcome, NotTried)
    error = getattr(outcome, "error", "").replace("\0", "")[:_ERROR_LENGTH]
    status = getattr(outcome, "status", None)
    return (claim.delivery_id, claim.attempt, state.value, wait, tried, status, error)


def _next(claim: Claim, outcome: Outcome) -> tuple[Delivery.State, float]:
    """Return the state of a delivery after an attempt, and in how many seconds it is due."""
    match outcome:
        case Delivered():
            return Delivery.State.DELIVERED, 0.0
        case NotTried():
            return Delivery.State.PENDING, 0.0
        case RetryLater(wait_seconds=asked) if claim.attempt < MAX_ATTEMPTS:
            wait = wait_seconds(claim.attempt, uniform=_uniform)
            return Delivery.State.PENDING, min(CAP_SECONDS, max(wait, asked or 0.0))
        case _:
            return Delivery.State.DEAD, 0.0


# --- The endpoint's health ----------------------------------------------------------------------


def _note_health(endpoint: Endpoint, outcomes: Sequence[Outcome], now: datetime) -> bool:
    """Write what these outcomes say of their endpoint; a row that stays the same is not written."""
    before = (endpoint.failing_since, endpoint.resume_at, endpoint.active)
    _note_failing(endpoint, outcomes, now)
    _note_rest(endpoint, outcomes, now)
    if reason := _reason_to_disable(endpoint, outcomes, now):
        endpoint.active = False
        endpoint.disabled_reason = reason[:_REASON_LENGTH]
        logger.error("endpoint %s (%s) disabled: %s", endpoint.pk, endpoint, reason)
    if before != (endpoint.failing_since, endpoint.resume_at, endpoint.active):
        endpoint.save(update_fields=["failing_since", "resume_at", "active", "disabled_reason"])
    return before[-1] and not endpoint.active


def _note_failing(endpoint: Endpoint, outcomes: Sequence[Outcome], now: datetime) -> None:
    tried = [outcome for outcome in outcomes if not isinstance(outcome, NotTried)]
    if any(isinstance(outcome, Delivered) for outcome in tried):
        endpoint.failing_since = None
    elif tried and endpoint.failing_since is None:
        endpoint.failing_since = now


def _note_rest(endpoint: Endpoint, outcomes: Sequence[Outcome], now: datetime) -> None:
    rests = [
        outcome.wait_seconds or 0.0
        for outcome in outcomes
        if isinstance(outcome, RetryLater) and outcome.endpoint_rests
    ]
    if rests:
        until = now + timedelta(seconds=max(rests))
        endpoint.resume_at = max(until, endpoint.resume_at or until)


def _reason_to_disable(endpoint: Endpoint, outcomes: Sequence[Outcome], now: datetime) -> str:
    if not endpoint.active:
        return ""
    for outcome in outcomes:
        if isinstance(outcome, DisableEndpoint):
            return outcome.error
    allowed = timedelta(seconds=settings.WEBHOOK_DISABLE_AFTER_SECONDS)
    since = endpoint.failing_since
    if endpoint.channel == Endpoint.Channel.WEBHOOK and since and now - since >= allowed:
        return f"every call has failed since {since:%Y-%m-%d %H:%M} UTC"
    return ""
