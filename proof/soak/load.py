"""The load of a soak: orders at a steady rate, and the actions of their customers."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

from proof.answers import ACCEPTED_STATUSES
from proof.calls import Caller, NoAnswer, Reply, RequestCounts
from proof.demo.people.provider import has_no_answer
from shop.local.signed_payments import CALLBACK, Message, signed_headers

from .account import Account
from .behaviours import (
    READ_EVERY,
    REPEATED_EVERY,
    SALE_READ_EVERY,
    Behaviour,
    behaviour_of,
)

SKU = "SOAK"
HOLD_SECONDS = 10
SOON = 1.0  # seconds after which a customer does something; again after the first
LATE = HOLD_SECONDS + 4.0  # seconds after the order: when its hold has ended for sure
MOST_UNDER_WAY = 20_000  # orders whose customers are at work; beyond, none is placed


class Load:
    """Customers of one sale. An async context manager; at its end all waiting stops."""

    def __init__(
        self,
        url: str,
        sale: str,
        *,
        api_key: str,
        payment_secret: str,
        rate: float,
        account: Account,
        elapsed: Callable[[], float],
    ) -> None:
        """Place `rate` orders a second; note the answers in `account`."""
        self.counts = RequestCounts()
        self._sale = sale
        self._headers = {"Authorization": f"Bearer {api_key}"}
        self._secret = payment_secret
        self._pause = 1 / rate
        self._account = account
        self._elapsed = elapsed
        self._caller = Caller(url, counts=self.counts, elapsed=elapsed, has_no_answer=has_no_answer)
        self._tasks: set[asyncio.Task[None]] = set()
        self._exits = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._exits.enter_async_context(self._caller)
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._exits.aclose()

    async def run(self, *, seconds: float) -> None:
        """Place orders for so long, and return when their customers have done all they will."""
        number, due, end = 0, self._elapsed(), self._elapsed() + seconds
        while self._elapsed() < end:
            if len(self._tasks) < MOST_UNDER_WAY:
                self._begin(number)
            number += 1
            due = max(due + self._pause, self._elapsed() - 1.0)  # not all at once after a stop
            await asyncio.sleep(due - self._elapsed())
        await asyncio.gather(*self._tasks)

    def _begin(self, number: int) -> None:
        task = asyncio.create_task(self._serve_customer(number))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve_customer(self, number: int) -> None:
        """Let one customer place an order and do the rest."""
        behaviour, key = behaviour_of(number), f"{self._sale}-{number}"
        try:
            order = await self._place(key, behaviour)
            if order is None:
                return
            if number % REPEATED_EVERY == 0:
                await self._repeat(key, order)
            if number % READ_EVERY == 0:
                await self._read(f"/api/v1/orders/{order['id']}")
            if number % SALE_READ_EVERY == 0:
                await self._read(f"/api/v1/sales/{self._sale}")
            await self._follow(behaviour, key, order)
        except NoAnswer as error:
            self._account.wrong[f"given up after {error}"] += 1

    async def _place(self, key: str, behaviour: Behaviour) -> Mapping[str, Any] | None:
        reply = await self._order(key)
        self._account.latencies.append(reply.took)
        if reply.status not in ACCEPTED_STATUSES:
            self._account.wrong[f"an order was answered {reply}"] += 1
            return None
        order = reply.document
        self._account.accept(order["id"], behaviour)
        self._account.done["orders"] += 1
        return order

    async def _repeat(self, key: str, order: Mapping[str, Any]) -> None:
        reply = await self._order(key)
        self._account.done["repeats"] += 1
        if reply.document.get("id") != order["id"]:
            self._account.wrong[f"a repetition was answered {reply}"] += 1

    async def _order(self, key: str) -> Reply:
        document = {
            "sale": self._sale,
            "customer": key,
            "lines": [{"sku": SKU, "quantity": 1}],
        }
        headers = {**self._headers, "Idempotency-Key": key}
        return await self._caller.ask("POST", "/api/v1/orders", json=document, headers=headers)

    async def _read(self, path: str) -> None:
        reply = await self._caller.ask("GET", path, headers=self._headers)
        self._account.done["reads"] += 1
        if reply.status != 200:
            self._account.wrong[f"a look was answered {reply}"] += 1

    # --- The actions of customers ---

    async def _follow(self, behaviour: Behaviour, key: str, order: Mapping[str, Any]) -> None:
        match behaviour:
            case Behaviour.FORGETS:
                return
            case Behaviour.CANCELS:
                await asyncio.sleep(SOON)
                await self._cancel(order)
            case Behaviour.PAYS_LATE:
                await asyncio.sleep(LATE)
                await self._send_payment("payment.succeeded", key, order)
            case Behaviour.PAYS | Behaviour.PAYS_AND_SAYS_SO_TWICE:
                await asyncio.sleep(SOON)
                for _ in range(1 + (behaviour is Behaviour.PAYS_AND_SAYS_SO_TWICE)):
                    await self._send_payment("payment.succeeded", key, order)
            case Behaviour.FAILS_THEN_PAYS | Behaviour.FAILS_THEN_CANCELS:
                await asyncio.sleep(SOON)
                await self._send_payment("payment.failed", key, order)
                await asyncio.sleep(SOON)
                if behaviour is Behaviour.FAILS_THEN_PAYS:
                    await self._send_payment("payment.succeeded", key, order)
                else:
                    await self._cancel(order)

    async def _cancel(self, order: Mapping[str, Any]) -> None:
        path = f"/api/v1/orders/{order['id']}/cancel"
        reply = await self._caller.ask("POST", path, headers=self._headers)
        self._account.done["cancellations"] += 1
        if reply.status != 200:
            self._account.wrong[f"a cancellation was answered {reply}"] += 1

    async def _send_payment(self, type_: str, key: str, order: Mapping[str, Any]) -> None:
        reference = f"{key}-{type_}"
        message = Message(type_, order["id"], order["total"], order["currency"], reference)
        headers = signed_headers(self._secret, reference, body := message.body())
        reply = await self._caller.ask("POST", CALLBACK, data=body, headers=headers)
        self._account.done["payments"] += 1
        if reply.status != 200:
            self._account.wrong[f"{type_} was answered {reply}"] += 1
