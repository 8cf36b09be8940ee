"""The customers of accepted orders in a demo sale: they pay, cancel or forget them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self

from proof.calls import Caller, NoAnswer
from proof.demo.account.follow_ups import Action, FollowUp, FollowUps
from shop.local.signed_payments import Message

from .order_plans import Behaviour, PlannedOrder
from .provider import Provider

AT_THE_SAME_TIME = 4  # things done: they share the server with the orders that still come in


class Customers:
    """Acts on each accepted order as planned. A context manager; at its end all waiting stops."""

    def __init__(
        self,
        provider: Provider,
        caller: Caller,
        api_keys: Mapping[str, str],
        *,
        follow_ups: FollowUps,
    ) -> None:
        """Pay through `provider`, cancel through `caller`; write the answers into `follow_ups`."""
        self.holds_have_ended = asyncio.Event()  # late payers wait for it
        self._provider = provider
        self._caller = caller
        self._api_keys = api_keys
        self._follow_ups = follow_ups
        self._room = asyncio.Semaphore(AT_THE_SAME_TIME)
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def take(self, order: PlannedOrder, document: Mapping[str, Any]) -> None:
        """Begin to act on an order that the API has shown as `document`."""
        self._tasks.add(asyncio.create_task(self._run(order, document)))

    async def finish(self) -> None:
        """Return when every order has been acted on; raise the first error of these tasks."""
        await asyncio.gather(*self._tasks)

    async def _run(self, order: PlannedOrder, document: Mapping[str, Any]) -> None:
        for step in STEPS[order.behaviour]:
            await asyncio.sleep(order.delay)
            await step(self, order, document)

    async def _pay(self, order: PlannedOrder, document: Mapping[str, Any]) -> None:
        await self._send_payment(Action.PAYMENT, order, document)

    async def _fail_to_pay(self, order: PlannedOrder, document: Mapping[str, Any]) -> None:
        await self._send_payment(Action.FAILED_PAYMENT, order, document)

    async def _get_money_back(self, order: PlannedOrder, document: Mapping[str, Any]) -> None:
        await self._send_payment(Action.REFUND, order, document)

    async def _wait_for_the_end_of_holds(self, *_: object) -> None:
        await self.holds_have_ended.wait()

    async def _send_payment(
        self, action: Action, order: PlannedOrder, document: Mapping[str, Any]
    ) -> None:
        order_id, total, currency = (str(document[name]) for name in ("id", "total", "currency"))
        # A payment that fails is one of its own; a refund names the payment that it gives back.
        name = "declined" if action is Action.FAILED_PAYMENT else "charge"
        message = Message(action.value, order_id, total, currency, f"{name}-{order.key}")
        async with self._room:
            await self._provider.send(message, twice=order.sent_twice)

    async def _cancel(self, order: PlannedOrder, document: Mapping[str, Any]) -> None:
        order_id = str(document["id"])
        headers = {"Authorization": f"Bearer {self._api_keys[order.client]}"}
        async with self._room:
            try:
                reply = await self._caller.ask(
                    "POST", f"/api/v1/orders/{order_id}/cancel", headers=headers
                )
            except NoAnswer as error:
                self._follow_ups.unexpected[f"cancel given up after {error}"] += 1
                return
        follow_up = FollowUp(
            Action.CANCELLATION, reply.status, reply.problem, at=self._caller.elapsed()
        )
        self._follow_ups.note(order_id, follow_up)


STEPS: Mapping[Behaviour, tuple[Callable[..., Any], ...]] = {
    Behaviour.PAYS: (Customers._pay,),
    Behaviour.PAYS_AT_LAST: (Customers._fail_to_pay, Customers._pay),
    Behaviour.GIVES_UP: (Customers._fail_to_pay, Customers._cancel),
    Behaviour.CANCELS: (Customers._cancel,),
    Behaviour.FORGETS: (),
    Behaviour.PAYS_LATE: (Customers._wait_for_the_end_of_holds, Customers._pay),
    Behaviour.GETS_MONEY_BACK: (Customers._pay, Customers._get_money_back),
}
