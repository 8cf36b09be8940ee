"""The lane of one webhook: its calls under way, and its turns in the database."""

import asyncio
import logging
from collections.abc import Callable
from typing import NamedTuple

import aiohttp
from django.db import transaction
from standardwebhooks import Webhook

from orders.models import Endpoint
from shop.core import clock
from shop.core.database_thread import DatabaseThread

from . import claims, operators, results
from .calls import call
from .claims import Claim
from .message import encode_message
from .notices import Notice, read_notices
from .outcomes import ENDLESS, FOREIGN, Outcome, RetryLater
from .results import Attempt
from .signatures import signed_headers, signers
from .tracing import delivery, noted

logger = logging.getLogger(__name__)

LOOK_SECONDS = 0.5  # how often a lane whose calls hang looks for what has become due


class Turn(NamedTuple):
    """What a lane has got from one turn in the database."""

    endpoint: Endpoint
    claims: list[Claim]
    more: bool  # whether more may be due
    notices: dict[int, Notice]  # by event id
    disabled: bool  # by what this turn has written down


def take_turn(endpoint_id: int, attempts: list[Attempt], room: int) -> Turn:
    """Write down what has come to an end and claim as much as there is room for, in one go."""
    with transaction.atomic():
        endpoint = claims.lock_endpoint(endpoint_id)
        disabled = results.record(endpoint, attempts)
        claimed, more = claims.claim_due(endpoint, room)
    notices = read_notices([claim.event_id for claim in claimed])
    return Turn(endpoint, claimed, more, notices, disabled)


class Lane:
    """Delivers to one endpoint until nothing is due there or there is no more room for it.

    A call that ends makes room for the next at once, so one that hangs holds up no other; what ends
    during a turn is written down by the next, so turns grow with the load.
    """

    def __init__(
        self,
        endpoint_id: int,
        *,
        session: aiohttp.ClientSession,
        database: DatabaseThread,
        room: Callable[["Lane"], int],
    ) -> None:
        """`room` says how many more calls this lane may have under way."""
        self.endpoint_id = endpoint_id
        self.under_way: set[asyncio.Task[None]] = set()
        self._session = session
        self._database = database
        self._room = room
        self._ended: list[Attempt] = []
        self._something_ended = asyncio.Event()

    async def run(self) -> None:
        """Take turns for as long as there is something to do. Raises what the database raises."""
        while True:
            turn = await self._take_turn()
            self._start_calls(turn)
            if turn.disabled:
                await asyncio.to_thread(operators.endpoint_disabled, turn.endpoint)
            goes_on = turn.more and self._room(self) > 0
            if not (goes_on or self.under_way or self._ended):
                return
            if not goes_on:
                await self._wait()

    async def _take_turn(self) -> Turn:
        ended, self._ended = self._ended, []
        self._something_ended.clear()
        return await self._database.run(take_turn, self.endpoint_id, ended, self._room(self))

    def _start_calls(self, turn: Turn) -> None:
        signing = signers(turn.endpoint, now=clock.now())
        for claim in turn.claims:
            attempt = self._attempt(claim, turn.notices[claim.event_id], turn.endpoint, signing)
            self.under_way.add(asyncio.create_task(attempt))

    async def _attempt(
        self, claim: Claim, notice: Notice, endpoint: Endpoint, signing: list[Webhook]
    ) -> None:
        with notice.about(endpoint=self.endpoint_id):
            try:
                outcome = await self._deliver(claim, notice, endpoint, signing)
            except Exception as error:
                logger.exception("event %s cannot be told to %s", claim.event_id, endpoint.url)
                outcome = RetryLater(repr(error))
        if task := asyncio.current_task():
            self.under_way.discard(task)
        self._ended.append(Attempt(claim, outcome))
        self._something_ended.set()

    async def _deliver(
        self, claim: Claim, notice: Notice, endpoint: Endpoint, signing: list[Webhook]
    ) -> Outcome:
        if claim.is_beyond_the_last:
            return ENDLESS
        if endpoint.client_id not in (None, notice.client_id):
            return FOREIGN
        body = encode_message(notice)
        headers = signed_headers(signing, notice.message_id, body, now=clock.now())
        with delivery(notice, channel="webhook", attempt=claim.attempt) as traceparent:
            if traceparent:
                headers["traceparent"] = traceparent
            return noted(await call(self._session, endpoint.url, headers, body))

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                await self._something_ended.wait()
        except TimeoutError:
            return
