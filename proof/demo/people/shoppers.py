"""The clients of a demo sale: they send orders as a correct client would, and note the answers."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AsyncExitStack
from hashlib import blake2b
from typing import Any, Self

from proof.answers import ACCEPTED, OVER_LIMIT, SOLD_OUT, Answer
from proof.calls import Caller, NoAnswer, Reply
from proof.demo.account.book import Book

from .order_plans import PlannedOrder, Repeat
from .plan import Plan, Request

AT_THE_SAME_TIME = 32  # requests under way, on as many connections
WAIT_SECONDS = 5  # what `Prefer: wait` asks for
ASK_AGAIN = (429, 503)
REFUSALS = {SOLD_OUT, OVER_LIMIT}
REJECTED = "rejected"

Accepted = Callable[[PlannedOrder, Mapping[str, Any]], None]  # an order, and as the API shows it


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
        accepted: Accepted = lambda order, document: None,
    ) -> None:
        """Write the answers into `book`, with the seconds that have `elapsed` since the start, and
        call `accepted` with each order as soon as it is."""
        self.book = book
        self._plan = plan
        self._api_keys = api_keys
        self._elapsed = elapsed
        self._accepted = accepted
        self._exit = AsyncExitStack()
        self._answered: dict[str, asyncio.Event] = {}
        self._caller, self._other_caller = [
            Caller(url, counts=book.calls, elapsed=elapsed, has_no_answer=ASK_AGAIN.__contains__)
            for _ in range(2)
        ]

    async def __aenter__(self) -> Self:
        for caller in (self._caller, self._other_caller):
            await self._exit.enter_async_context(caller)
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
                await self._place(order, self._other_caller)
            else:
                await self._place_first(order)

    async def _place_first(self, order: PlannedOrder) -> None:
        if order.repeat is Repeat.AT_ONCE:
            async with asyncio.TaskGroup() as twins:
                twins.create_task(self._place(order, self._caller))
                twins.create_task(self._place(order, self._other_caller))
            return
        answered = self._answered[order.key] = asyncio.Event()
        await self._place(order, self._caller)
        answered.set()

    async def _place(self, order: PlannedOrder, caller: Caller) -> None:
        headers = {"Idempotency-Key": order.key, **self._authorization(order)}
        if order.waits:
            headers["Prefer"] = f"wait={WAIT_SECONDS}"
        sent = self._elapsed()
        try:
            reply = await caller.ask(
                "POST", "/api/v1/orders", headers=headers, json=request_body(self._plan.sale, order)
            )
        except NoAnswer as error:
            self.book.unexpected[f"requests given up after {error}"] += 1
            return
        answer = read_answer(reply, sent=sent, at=self._elapsed(), waited=order.waits)
        if answer is None:
            self.book.unexpected[f"requests answered {reply}"] += 1
        else:
            await self._take(order, answer, reply)

    async def _take(self, order: PlannedOrder, answer: Answer, reply: Reply) -> None:
        is_first = self.book.note(order, answer)
        if not answer.accepted:
            return
        if is_first:
            self._accepted(order, reply.document)
        if order.is_looked_up:
            await self._look_up(order, reply)

    async def _look_up(self, order: PlannedOrder, accepted: Reply) -> None:
        """Get an order that was just accepted: it has to be there, and the same."""
        self.book.looked_up += 1
        location = accepted.headers.get("Location", "/")
        try:
            found = await self._caller.ask("GET", location, headers=self._authorization(order))
        except NoAnswer as error:
            self.book.not_found[f"looks given up after {error}"] += 1
            return
        if found.status != 200:
            self.book.not_found[f"looks answered {found}"] += 1
        elif not is_same_order(accepted.document, found.document):
            self.book.not_found["looks that found another order"] += 1

    def _authorization(self, order: PlannedOrder) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._api_keys[order.client]}"}


def request_body(sale: str, order: PlannedOrder) -> dict[str, Any]:
    """Return the document that asks for an order."""
    lines = [{"sku": sku, "quantity": quantity} for sku, quantity in order.lines.items()]
    email = {"email": order.email} if order.email else {}
    return {"sale": sale, "customer": order.customer, "lines": lines, **email}


def read_answer(reply: Reply, *, sent: float, at: float, waited: bool) -> Answer | None:
    """Return the answer to an order, None where it was neither accepted nor refused by a rule."""
    order_id = str(reply.document.get("id", "")) if reply.status in (201, 202) else ""
    outcome = ACCEPTED if order_id else reply.problem
    if not order_id and (reply.status != 409 or outcome not in REFUSALS):
        return None
    return Answer(
        status=reply.status,
        outcome=outcome,
        digest=blake2b(reply.body, digest_size=16).digest(),
        order_id=order_id,
        replayed=reply.headers.get("Idempotent-Replayed") == "true",
        sent=sent,
        at=at,
        took=None if waited else reply.took,
    )


def is_same_order(accepted: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    """Return whether both documents show the same order, whose status may have changed."""
    same = all(found.get(name) == accepted[name] for name in accepted if name != "status")
    return bool(accepted) and same and found.get("status") != REJECTED
