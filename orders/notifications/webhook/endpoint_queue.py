"""The queue of one webhook: its calls under way, and its cycles in the database."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

import aiohttp
from django.db import transaction
from standardwebhooks import Webhook

from orders.models import Endpoint
from orders.notifications import claims, operators, results
from orders.notifications.claims import Claim
from orders.notifications.delivery_spans import delivery, noted
from orders.notifications.event_payload import EventPayload, read_payloads
from orders.notifications.outcomes import (
    ENDLESS,
    FOREIGN,
    NotTried,
    Outcome,
    RetryLater,
    asks_to_be_left_alone,
)
from orders.notifications.results import Attempt
from shop.core import clock
from shop.core.stores.database_thread import DatabaseThread

from .calls import call
from .message import encode_message
from .signatures import signed_headers, signers

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.2  # how often a queue whose calls hang looks for due deliveries
# A cycle costs the same for one delivery and for a hundred, some milliseconds of CPU: for so long
# ended calls are gathered for it, while other calls are under way.
GATHER_SECONDS = 0.05
AHEAD = 256  # claims at most that wait for a call to end, where calls end that fast
WAIT_SECONDS = 5.0  # a claim that has waited longer is given back: its lease is for its call


class Cycle(NamedTuple):
    """The result of one cycle in the database."""

    endpoint: Endpoint
    claims: list[Claim]
    more: bool  # whether more may be due
    payloads: dict[int, EventPayload]  # by event id
    disabled: bool  # by the attempts that this cycle has recorded


def run_cycle(endpoint_id: int, attempts: list[Attempt], room: int) -> Cycle:
    """Write down what has come to an end and claim as much as there is room for, in one go."""
    with transaction.atomic():
        endpoint = claims.lock_endpoint(endpoint_id)
        disabled = results.record(endpoint, attempts)
        claimed, more = claims.claim_due(endpoint, room)
    payloads = read_payloads([claim.event_id for claim in claimed])
    return Cycle(endpoint, claimed, more, payloads, disabled)


class Waiting(NamedTuple):
    """A claim whose call has not begun."""

    claim: Claim
    payload: EventPayload
    since: float  # seconds of a monotonic clock


class EndpointQueue:
    """Delivers to one endpoint until nothing is due there or there is no more room for it.

    A call that ends makes room for the next at once, so one that hangs holds up no other. The
    next cycle records the calls that have ended, and claims ahead as many as ended since the cycle
    before: cycles grow with the load, and a slow endpoint has no more than its calls.
    """

    def __init__(
        self,
        endpoint_id: int,
        *,
        session: aiohttp.ClientSession,
        database: DatabaseThread,
        room: Callable[["EndpointQueue"], int],
        is_over: Callable[[], bool],
    ) -> None:
        """`room` says how many more calls this queue may have under way, `is_over` whether it is to
        begin no more."""
        self.endpoint_id = endpoint_id
        self.under_way: set[asyncio.Task[None]] = set()
        self._session = session
        self._database = database
        self._room = room
        self._is_over = is_over
        self._endpoint: Endpoint
        self._more = False  # whether more may be due than what is claimed
        self._is_welcome = True  # until the endpoint asks to be left alone
        self._signing: list[Webhook] = []
        self._waiting: deque[Waiting] = deque()
        self._ended: list[Attempt] = []
        self._something_ended = asyncio.Event()
        self._runs_low = asyncio.Event()

    async def run(self) -> None:
        """Run cycles while there is something to do. Raises the database's errors."""
        while True:
            cycle = await self._run_cycle()
            self._continue_with(cycle)
            if cycle.disabled:
                await asyncio.to_thread(operators.endpoint_disabled, cycle.endpoint)
            goes_on = self._more and self._runs_low.is_set() and self._room(self) > 0
            if goes_on or self._has_void_claims:
                continue
            if not (self.under_way or self._waiting or self._ended):
                return
            await self._wait(self._runs_low if self._more else asyncio.Event())

    async def _run_cycle(self) -> Cycle:
        self._give_back()
        ended, self._ended = self._ended, []
        self._something_ended.clear()
        calls = sum(not isinstance(attempt.outcome, NotTried) for attempt in ended)
        wanted = self._room(self)
        if wanted:
            wanted = max(0, wanted + min(AHEAD, calls) - len(self._waiting))
        cycle = await self._database.run(run_cycle, self.endpoint_id, ended, wanted)
        if wanted:  # else it has not looked
            self._more = cycle.more
        return cycle

    def _give_back(self) -> None:
        """Give back claims whose calls are not to begin, or that have waited for too long."""
        while self._has_void_claims:
            self._ended.append(Attempt(self._waiting.popleft().claim, NotTried()))

    @property
    def _has_void_claims(self) -> bool:
        if not self._waiting:
            return False
        goes_on = self._is_welcome and not self._is_over()
        return not goes_on or time.monotonic() - self._waiting[0].since > WAIT_SECONDS

    def _continue_with(self, cycle: Cycle) -> None:
        self._endpoint = cycle.endpoint
        # Calls that ended during the cycle may say more than the row did.
        asked = any(asks_to_be_left_alone(attempt.outcome) for attempt in self._ended)
        self._is_welcome = cycle.endpoint.takes_deliveries and not asked
        self._signing = signers(cycle.endpoint, now=clock.now())
        now = time.monotonic()
        self._runs_low.clear()
        for claim in cycle.claims:
            self._waiting.append(Waiting(claim, cycle.payloads[claim.event_id], now))
        self._start_calls()

    def _start_calls(self) -> None:
        while self._waiting and self._is_welcome and self._room(self) > 0:
            claim, payload, _ = self._waiting.popleft()
            self.under_way.add(asyncio.create_task(self._attempt(claim, payload)))
        if not self._is_welcome or (not self._waiting and self._room(self) > len(self.under_way)):
            self._runs_low.set()

    async def _attempt(self, claim: Claim, payload: EventPayload) -> None:
        try:
            outcome = await self._deliver(claim, payload)
        except Exception as error:
            with payload.about(endpoint=self.endpoint_id):
                logger.exception("event %s cannot be told to %s", claim.event_id, self._endpoint)
            outcome = RetryLater(repr(error))
        if task := asyncio.current_task():
            self.under_way.discard(task)
        self._ended.append(Attempt(claim, outcome))
        self._something_ended.set()
        self._is_welcome &= not asks_to_be_left_alone(outcome)
        self._start_calls()

    async def _deliver(self, claim: Claim, payload: EventPayload) -> Outcome:
        if claim.is_beyond_the_last:
            return ENDLESS
        endpoint = self._endpoint
        if endpoint.client_id not in (None, payload.client_id):
            return FOREIGN
        body = encode_message(payload)
        headers = signed_headers(self._signing, payload.message_id, body, now=clock.now())
        with delivery(payload, channel="webhook", attempt=claim.attempt) as traceparent:
            if traceparent:
                headers["traceparent"] = traceparent
            return noted(await call(self._session, endpoint.url, headers, body))

    async def _wait(self, for_no_longer_than: asyncio.Event) -> None:
        """Wait until something has ended, and for more to end, or until it is time to look."""
        if await _happens(self._something_ended, within=LOOK_SECONDS):
            await _happens(for_no_longer_than, within=GATHER_SECONDS)


async def _happens(event: asyncio.Event, *, within: float) -> bool:
    """Wait for an event, but not longer than so many seconds. Returns whether it has happened."""
    try:
        async with asyncio.timeout(within):
            return await event.wait()
    except TimeoutError:
        return False
