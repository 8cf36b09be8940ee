"""The load: clients that place orders at a steady rate, and repeat themselves until answered."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from random import uniform
from typing import Self

from aiohttp import (
    ClientError,
    ClientPayloadError,
    ClientSession,
    ClientTimeout,
    TCPConnector,
)

from proof.answers import ACCEPTED, ACCEPTED_STATUSES, Answer
from proof.calls import Reply, retry_after

from .book import Book
from .order_stream import SKU, DrillOrder

CONNECTIONS = 32
TIMEOUT = ClientTimeout(total=5)
FIRST_PAUSE, LONGEST_PAUSE = 0.1, 1.0  # seconds between two tries, doubled each time
PATIENCE_SECONDS = 100.0  # for an order, over all tries: longer than any recovery is waited for
NO_ANSWER = {408, 429, *range(500, 600)}  # the client does not know, and asks again


class Clients:
    """So many clients at the same time. An async context manager."""

    def __init__(
        self, url: str, api_key: str, book: Book, *, rate: float, elapsed: Callable[[], float]
    ) -> None:
        """Place `rate` orders a second at most; write the answers into `book`."""
        self._url = url
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._book = book
        self._pause = 1 / rate
        self._elapsed = elapsed
        self._next = 0.0

    async def __aenter__(self) -> Self:
        connector = TCPConnector(limit=CONNECTIONS)
        self._session = ClientSession(
            self._url, headers=self._headers, timeout=TIMEOUT, connector=connector
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def place_all(self, orders: Iterable[DrillOrder]) -> None:
        """Place orders until there are no more `orders`, each until it is answered or given up."""
        rest = iter(orders)
        async with asyncio.TaskGroup() as clients:
            for _ in range(CONNECTIONS):
                clients.create_task(self._work(rest))
        self._book.silent_until(self._elapsed())

    async def _work(self, orders: Iterator[DrillOrder]) -> None:
        for order in orders:  # the one iterator of all clients
            await self._keep_the_rate()
            await self._place(order)
            if order.is_sent_twice:
                await self._place(order)

    async def _keep_the_rate(self) -> None:
        """Keep the rate; what an outage has held up is not made up for."""
        due = max(self._next, self._elapsed())
        self._next = due + self._pause
        await asyncio.sleep(due - self._elapsed())

    async def _place(self, order: DrillOrder) -> None:
        """Ask for an order with the same key until there is an answer."""
        pause, gives_up, since = FIRST_PAUSE, False, self._elapsed()
        deadline = self._elapsed() + PATIENCE_SECONDS
        while not gives_up:
            trouble, rest = await self._try(order, since)
            if not trouble:
                return
            self._book.tried_again[trouble] += 1
            await asyncio.sleep(rest or pause * uniform(0.5, 1))  # noqa: S311 - no secret
            pause = min(2 * pause, LONGEST_PAUSE)
            gives_up = self._elapsed() > deadline
        self._book.unanswered += 1

    async def _try(self, order: DrillOrder, since: float) -> tuple[str, float]:
        """Return why there is no final answer ("" if there is) and the Retry-After, if any."""
        document = {
            "sale": order.sale,
            "customer": order.key,
            "lines": [{"sku": SKU, "quantity": order.units}],
        }
        headers = {"Idempotency-Key": order.key}
        try:
            async with self._session.post(
                "/api/v1/orders", json=document, headers=headers
            ) as response:
                body = await response.read()
                took = self._elapsed() - since
                reply = Reply(response.status, response.headers, body, took)
        except TimeoutError:
            return "time-out", 0.0
        except ClientPayloadError:
            return "half an answer", 0.0
        except (ClientError, OSError):
            return "connection lost", 0.0
        if reply.status in NO_ANSWER:
            return str(reply.status), retry_after(reply, default=0.0)
        answer = read_answer(reply, at=self._elapsed())
        self._book.note(order, answer, waited=answer.at - since)
        return "", 0.0


def read_answer(reply: Reply, *, at: float) -> Answer:
    """Return a final answer as the book keeps it; `at` is in seconds from the start of the load."""
    if reply.status not in ACCEPTED_STATUSES:
        return Answer(reply.status, reply.problem, at=at)
    return Answer(reply.status, ACCEPTED, order_id=str(reply.document.get("id", "")), at=at)
