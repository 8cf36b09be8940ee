"""What becomes of a demo sale's accepted orders: customers pay, cancel or forget them."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Self

from proof.calls import Caller, NoAnswer
from proof.demo.account.follow_ups import Dealing, Dealings, Deed
from shop.local.signed_payments import Message

from .order_plans import Fate, Order
from .provider import Provider

AT_THE_SAME_TIME = 4  # things done: they share the server with the orders that still come in


class Customers:
    """Lets each accepted order have its fate. A context manager; at its end nobody waits on."""

    def __init__(
        self,
        provider: Provider,
        caller: Caller,
        api_keys: Mapping[str, str],
        *,
        dealings: Dealings,
    ) -> None:
        """Pay through `provider`, cancel through `caller`; write the answers into `dealings`."""
        self.holds_have_ended = asyncio.Event()  # what those wait for who pay late
        self._provider = provider
        self._caller = caller
        self._api_keys = api_keys
        self._dealings = dealings
        self._room = asyncio.Semaphore(AT_THE_SAME_TIME)
        self._lives: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for life in self._lives:
            life.cancel()
        await asyncio.gather(*self._lives, return_exceptions=True)

    def take(self, order: Order, document: Mapping[str, Any]) -> None:
        """Begin the life of an order that the API has shown as `document`."""
        self._lives.add(asyncio.create_task(self._live(order, document)))

    async def finish(self) -> None:
        """Return when everything is done about every order; raise what went wrong with it."""
        await asyncio.gather(*self._lives)

    async def _live(self, order: Order, document: Mapping[str, Any]) -> None:
        for step in STEPS[order.fate]:
            await asyncio.sleep(order.delay)
            await step(self, order, document)

    async def _pay(self, order: Order, document: Mapping[str, Any]) -> None:
        await self._tell(Deed.PAYMENT, order, document)

    async def _fail_to_pay(self, order: Order, document: Mapping[str, Any]) -> None:
        await self._tell(Deed.FAILED_PAYMENT, order, document)

    async def _get_money_back(self, order: Order, document: Mapping[str, Any]) -> None:
        await self._tell(Deed.REFUND, order, document)

    async def _wait_for_the_end_of_holds(self, *_: object) -> None:
        await self.holds_have_ended.wait()

    async def _tell(self, deed: Deed, order: Order, document: Mapping[str, Any]) -> None:
        order_id, total, currency = (str(document[name]) for name in ("id", "total", "currency"))
        # A payment that fails is one of its own; a refund names the payment that it gives back.
        name = "declined" if deed is Deed.FAILED_PAYMENT else "charge"
        message = Message(deed.value, order_id, total, currency, f"{name}-{order.key}")
        async with self._room:
            await self._provider.tell(message, twice=order.told_twice)

    async def _cancel(self, order: Order, document: Mapping[str, Any]) -> None:
        order_id = str(document["id"])
        headers = {"Authorization": f"Bearer {self._api_keys[order.client]}"}
        async with self._room:
            try:
                reply = await self._caller.ask(
                    "POST", f"/api/v1/orders/{order_id}/cancel", headers=headers
                )
            except NoAnswer as error:
                self._dealings.unexpected[f"cancel given up after {error}"] += 1
                return
        dealing = Dealing(Deed.CANCELLATION, reply.status, reply.problem, at=self._caller.elapsed())
        self._dealings.note(order_id, dealing)


STEPS: Mapping[Fate, tuple[Callable[..., Any], ...]] = {
    Fate.PAYS: (Customers._pay,),
    Fate.PAYS_AT_LAST: (Customers._fail_to_pay, Customers._pay),
    Fate.GIVES_UP: (Customers._fail_to_pay, Customers._cancel),
    Fate.CANCELS: (Customers._cancel,),
    Fate.FORGETS: (),
    Fate.PAYS_LATE: (Customers._wait_for_the_end_of_holds, Customers._pay),
    Fate.GETS_MONEY_BACK: (Customers._pay, Customers._get_money_back),
}
