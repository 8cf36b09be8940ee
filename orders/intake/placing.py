"""Placing an order: one way from (headers, body) to a reply, for both edges."""

import logging
import uuid
from collections import Counter
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

import redis

from inventory.counters import request_record
from inventory.reservation import Accepted, AcceptedBefore, Outcome
from orders.domain import Status
from orders.errors import Undecided
from orders.http.failures import known_problem
from orders.http.headers import OrderHeaders, RawHeaders, read_headers, read_wait
from orders.http.problems import Refused
from orders.http.replies import (
    Reply,
    first_persisted_status,
    order_reply,
    problem_reply,
    refused_reply,
    repeated_reply,
    unavailable,
)
from orders.reads.known import NotCached, authenticate, client_of, look_up
from orders.reads.reference_cache import ReferenceCache
from orders.reads.status_watch import StatusWatch
from shop.core.stores.redis import async_client

from . import order_spans
from .admission import Admitted, admit
from .batcher import Batcher
from .public_key import PublicKeyThrottle
from .recent_accepts import RecentAccepts
from .stats import UNAVAILABLE, LiveStats, outcome_name
from .throttle import Throttle

if TYPE_CHECKING:
    from opentelemetry.trace import Span

logger = logging.getLogger(__name__)


class Intake:
    """Takes orders for one process. Belongs to the event loop in which it is first used."""

    def __init__(self) -> None:
        self.references = ReferenceCache()
        self.watch = StatusWatch()
        self.recent_accepts = RecentAccepts()
        self._stats = LiveStats()
        self._throttle = Throttle()
        self._redis = async_client()
        self._public_key = PublicKeyThrottle(self._redis)
        self._batcher = Batcher(self.references, self.recent_accepts, self._stats)

    async def close(self) -> None:
        """Finish the batches under way."""
        await self._batcher.close()
        await self._stats.close()
        await self.recent_accepts.close()
        await self._redis.aclose()

    async def place_order(
        self, raw_headers: RawHeaders, body: bytes | None, address: str = ""
    ) -> Reply:
        """Place one order from `address`. `body` is None where it did not arrive in time.

        Every outcome is a reply: the contract's problems are raised as Refused inside and mapped
        here, and an order that cannot be decided is 503, never a made-up outcome.
        """
        headers = read_headers(raw_headers)
        try:
            client = await client_of(self.references, headers.authorization)
            self._throttle.count(client)
            admitted = await look_up(
                self.references, lambda snapshot: admit(snapshot, client, headers, body)
            )
            if client.public:
                await self._public_key.count(address, admitted.record.customer)
            outcome = await self._batcher.reserve(admitted.sale, admitted.reservation)
            seconds = read_wait(headers.prefer)
            if seconds and isinstance(outcome, Accepted):
                reply = await self._when_persisted(admitted, outcome, seconds)
            else:
                reply = self._reply(admitted, outcome)
            if admitted.span is not None:
                _end_span(admitted.span, admitted, outcome, reply)
            return reply
        except Exception as error:
            return self._failed(headers, error)

    def place_at_once(
        self, raw_headers: RawHeaders, body: bytes | None, answer: Callable[[Reply], None]
    ) -> bool:
        """Do as `place_order` without a task of its own, and call `answer` with the reply.

        Returns False, with nothing done, where more than the counters would have to be waited for.
        """
        headers = read_headers(raw_headers)
        snapshot = self.references.cached()
        if snapshot is None or headers.prefer:
            return False
        try:
            client = authenticate(snapshot, headers.authorization)
            if client.rate_limit is not None or client.public:
                return False  # counted once, by the way that can wait
            admitted = admit(snapshot, client, headers, body)
            on_outcome = partial(self._answer, admitted, answer)
            self._batcher.put(admitted.sale, admitted.reservation, on_outcome)
        except NotCached:
            return False
        except Exception as error:
            answer(self._failed(headers, error))
        return True

    def count_ended(self, reasons: Counter[str]) -> None:
        """Count connections that were ended because of what their clients did, by reason."""
        self._stats.ended(reasons)

    def _failed(self, headers: OrderHeaders, error: Exception) -> Reply:
        if isinstance(error, Refused):
            self._stats.refused(error.problem.type.slug)
        elif not isinstance(error, Undecided):  # that is counted where it comes from
            self._stats.refused(UNAVAILABLE)
        return _error_reply(headers, error)

    def _answer(
        self,
        admitted: Admitted,
        answer: Callable[[Reply], None],
        outcome: Outcome | Undecided,
    ) -> None:
        try:
            if isinstance(outcome, Undecided):
                raise outcome
            reply = self._reply(admitted, outcome)
        except Exception as error:
            reply = _error_reply(admitted.headers, error)
        if admitted.span is not None:
            _end_span(admitted.span, admitted, outcome, reply)
        answer(reply)

    def _reply(self, admitted: Admitted, outcome: Outcome) -> Reply:
        headers, record = admitted.headers, admitted.record
        if isinstance(outcome, Accepted):
            self.recent_accepts.note(record)
            return order_reply(
                headers, 202, record, outcome.now_ms, outcome.held_until_ms, Status.ACCEPTED
            )
        if isinstance(outcome, AcceptedBefore):
            return repeated_reply(headers, record, outcome)
        return refused_reply(headers, admitted.request, outcome)

    async def _when_persisted(self, admitted: Admitted, outcome: Accepted, seconds: int) -> Reply:
        """Answer with the order's next status, or as accepted where that takes too long."""
        record = admitted.record
        accepted = self._reply(admitted, outcome)
        status = await self.watch.next_status(
            uuid.UUID(bytes=record.order_id), Status.ACCEPTED, seconds
        )
        if status is None:
            return accepted
        await self._remember_answer(admitted, outcome, status)
        return order_reply(
            admitted.headers, 201, record, outcome.now_ms, outcome.held_until_ms, status, seconds
        )

    async def _remember_answer(self, admitted: Admitted, outcome: Accepted, status: str) -> None:
        """Note that the first answer was 201, so that a repeated request gets the same."""
        if status != first_persisted_status(outcome.held_until_ms):
            return
        reservation = admitted.reservation
        try:
            await self._batcher.mark_answered_persisted(
                admitted.sale.id,
                reservation.digest,
                request_record(
                    fingerprint=reservation.fingerprint,
                    order_id=reservation.order_id,
                    now_ms=outcome.now_ms,
                    held_until_ms=outcome.held_until_ms,
                    note=reservation.note,
                    persisted=True,
                ),
            )
        except redis.RedisError as error:
            raise Undecided("Redis did not answer.") from error


@cache
def intake() -> Intake:
    """Return this process's intake."""
    return Intake()


def _end_span(span: "Span", admitted: Admitted, outcome: Outcome | Undecided, reply: Reply) -> None:
    if isinstance(outcome, Undecided):
        name = UNAVAILABLE
    else:
        name = outcome_name(admitted.reservation, outcome)
    order_spans.order_answered(span, admitted.record, outcome=name, status=reply.status)


def _error_reply(headers: OrderHeaders, error: Exception) -> Reply:
    problem = known_problem(error)
    if problem is None:
        # Whether the order was accepted is unknown here. A repeated request gets the truth: 503.
        logger.error("an order failed [%s]", headers.request_id, exc_info=error)
        problem = unavailable("Something failed on our side.")
    return problem_reply(headers, problem)
