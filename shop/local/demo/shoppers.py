"""The clients of a demo sale: they send orders as a correct client would, and book the answers."""

import asyncio
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from hashlib import blake2b
from typing import Any, NamedTuple, Self

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector

from shop.local.demo.book import ACCEPTED, OVER_LIMIT, SOLD_OUT, Answer, Book
from shop.local.demo.plan import Order, Plan, Repeat, Request

AT_THE_SAME_TIME = 32  # requests under way, on as many connections
WAIT_SECONDS = 5  # what `Prefer: wait` asks for
TIMEOUT = ClientTimeout(total=15)
PATIENCE_SECONDS = 25.0  # for one order, over all tries
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # between two tries, doubled each time
ASK_AGAIN = (429, 503)
REFUSALS = {SOLD_OUT, OVER_LIMIT}
ON_ITS_WAY = {"accepted", "awaiting_payment", "confirmed"}


class Reply(NamedTuple):
    """What came back, and how long that try took, in seconds."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    took: float


class NoAnswer(Exception):
    """The client gave up; the text is the last reason it had to ask again."""


class Shoppers:
    """Sends the plan's orders to `url`. A context manager that holds the connections."""

    def __init__(
        self,
        plan: Plan,
        url: str,
        api_keys: Mapping[str, str],
        *,
        book: Book,
        elapsed: Callable[[], float],
    ) -> None:
        """Write the answers into `book`, with the seconds that have `elapsed` since the start."""
        self.book = book
        self._plan = plan
        self._url = url
        self._api_keys = api_keys
        self._elapsed = elapsed
        self._exit = AsyncExitStack()
        self._gave_up = False
        self._answered: dict[str, asyncio.Event] = {}

    async def __aenter__(self) -> Self:
        self._session, self._other_session = [
            await self._exit.enter_async_context(
                ClientSession(self._url, timeout=TIMEOUT, connector=TCPConnector(limit=0))
            )
            for _ in range(2)
        ]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._exit.aclose()

    async def send(self, requests: Iterable[Request]) -> None:
        """Send all `requests`, some at the same time, and return when each was dealt with."""
        waiting = iter(requests)
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_THE_SAME_TIME):
                group.create_task(self._work(waiting))

    async def _work(self, waiting: Iterator[Request]) -> None:
        for order, again in waiting:
            if again:
                # Not before the first answer, which it is compared with, and elsewhere.
                await self._answered[order.key].wait()
                await self._place(order, self._other_session)
            else:
                await self._place_first(order)

    async def _place_first(self, order: Order) -> None:
        if order.repeat is Repeat.AT_ONCE:
            async with asyncio.TaskGroup() as twins:
                twins.create_task(self._place(order, self._session))
                twins.create_task(self._place(order, self._other_session))
            return
        answered = self._answered[order.key] = asyncio.Event()
        await self._place(order, self._session)
        answered.set()

    async def _place(self, order: Order, session: ClientSession) -> None:
        headers = {"Idempotency-Key": order.key, **self._authorization(order)}
        if order.waits:
            headers["Prefer"] = f"wait={WAIT_SECONDS}"
        lines = [{"sku": sku, "quantity": quantity} for sku, quantity in order.lines.items()]
        document = {"sale": self._plan.sale, "customer": order.customer, "lines": lines}
        try:
            reply = await self._ask(
                session, "POST", "/api/v1/orders", headers=headers, json=document
            )
        except NoAnswer as error:
            self.book.unexpected[f"requests given up after {error}"] += 1
            return
        answer = read_answer(reply, at=self._elapsed(), waited=order.waits)
        if answer is None:
            self.book.unexpected[f"requests answered {_describe(reply)}"] += 1
            return
        self.book.note(order, answer)
        if order.looks and answer.outcome == ACCEPTED:
            await self._look_up(order, reply)

    async def _look_up(self, order: Order, accepted: Reply) -> None:
        """Get an order that was just accepted: it has to be there, and the same."""
        self.book.looked_up += 1
        location = accepted.headers.get("Location", "/")
        try:
            found = await self._ask(
                self._session, "GET", location, headers=self._authorization(order)
            )
        except NoAnswer as error:
            self.book.not_found[f"looks given up after {error}"] += 1
            return
        if found.status != 200:
            self.book.not_found[f"looks answered {_describe(found)}"] += 1
        elif not is_same_order(_document(accepted), _document(found)):
            self.book.not_found["looks that found another order"] += 1

    async def _ask(self, session: ClientSession, method: str, path: str, **request: Any) -> Reply:
        """Return the answer, asking again while there is none. Raises NoAnswer in the end."""
        deadline, pause = self._elapsed() + PATIENCE_SECONDS, FIRST_PAUSE
        while True:
            began = self._elapsed()
            self.book.sent += 1
            try:
                async with session.request(method, path, **request) as response:
                    body = await response.read()
                    reply = Reply(response.status, response.headers, body, self._elapsed() - began)
            except (ClientError, OSError):
                trouble, rest = "no answer", pause
            else:
                if reply.status not in ASK_AGAIN:
                    return reply
                trouble, rest = str(reply.status), _retry_after(reply, default=pause)
            # Once a server has stayed away for so long, nobody goes on waiting for it.
            self._gave_up = self._gave_up or self._elapsed() + rest > deadline
            if self._gave_up:
                raise NoAnswer(trouble)
            self.book.sent_again[trouble] += 1
            await asyncio.sleep(rest)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _authorization(self, order: Order) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_keys[order.client]}"}


def read_answer(reply: Reply, *, at: float, waited: bool) -> Answer | None:
    """Return what an order was told, None where it was not judged."""
    order_id = str(_document(reply).get("id", "")) if reply.status in (201, 202) else ""
    outcome = ACCEPTED if order_id else _problem(reply)
    if not order_id and (reply.status != 409 or outcome not in REFUSALS):
        return None
    return Answer(
        status=reply.status,
        outcome=outcome,
        digest=blake2b(reply.body, digest_size=16).digest(),
        order_id=order_id,
        replayed=reply.headers.get("Idempotent-Replayed") == "true",
        at=at,
        took=None if waited else reply.took,
    )


def is_same_order(accepted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Return whether both documents show the same order, which may have been persisted since."""
    same = {**accepted, "status": ""} == {**found, "status": ""}
    return same and found.get("status") in ON_ITS_WAY


def _document(reply: Reply) -> dict[str, Any]:
    """Return the JSON object in the reply, an empty one where there is none."""
    try:
        document = json.loads(reply.body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _problem(reply: Reply) -> str:
    """Return the slug of the problem (RFC 9457) that the reply tells of, "" where it is none."""
    return str(_document(reply).get("type", "")).rpartition("/")[2]


def _describe(reply: Reply) -> str:
    return f"{reply.status} {_problem(reply)}".strip()


def _retry_after(reply: Reply, *, default: float) -> float:
    seconds = reply.headers.get("Retry-After", "")
    return float(seconds) if seconds.isdecimal() else default
