"""Payments come in time, and the workers that apply them are late: no unit is sold twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from proof.answers import ACCEPTED_STATUSES
from proof.drill.fault_context import FaultContext, freeze, thaw
from proof.drill.outcome import NotDone
from proof.reconciliation import drift_of
from proof.waiting import until
from shop.local.api_keys import Key, ensure_key
from shop.local.database import ask
from shop.local.signed_payments import CALLBACK, Message, payment_secret, signed_headers

SKU = "PAID"
HOLD_SECONDS = 6
PAST_SECONDS = 3.0  # beyond the end of the holds, in which the urgent worker could expire them
PAID, UNPAID = 40, 40  # orders whose payments come while no worker applies them
RUSH = 300  # payments that come before their orders are persisted
BACK_SECONDS = 20.0
SETTLED_SECONDS = 60.0
STATUSES = """
SELECT o.id::text, o.status, EXISTS (
    SELECT FROM orders_orderevent e WHERE e.order_id = o.id AND e.type = 'order.expired'
)
FROM orders_order o JOIN inventory_sale s ON s.id = o.sale_id WHERE s.slug = %s
"""

Order = Mapping[str, Any]


class _Shop:
    """A sale that takes payment, its buyers, and their payment provider."""

    def __init__(
        self, context: FaultContext, session: aiohttp.ClientSession, key: str, slug: str
    ) -> None:
        self.slug = slug
        self._context = context
        self._session = session
        self._key = key
        self._url = context.stack.web.url
        self._secret = payment_secret(context.stack.state, context.stack.env)

    async def buy(self, names: Sequence[str]) -> list[Order]:
        """Order a unit for each of these names. Returns the orders that were taken."""
        found = await asyncio.gather(*(self._buy(name) for name in names))
        return [order for order in found if order is not None]

    def has(self, units: int) -> Callable[[], Awaitable[bool]]:
        """Return whether so many units are on sale, as the shop's own page says it."""

        async def enough() -> bool:
            async with self._session.get(f"{self._url}/api/v1/sales/{self.slug}") as reply:
                [sku] = (await reply.json(content_type=None))["skus"]
                return bool(sku["available"] >= units)

        return enough

    async def pay(self, orders: Sequence[Order]) -> None:
        """Send the payments of these orders. Raises NotDone where one is refused."""
        answers = await asyncio.gather(*(self._pay(order) for order in orders))
        if bad := [status for status in answers if status != 200]:
            raise NotDone(f"{len(bad)} payments were answered {bad[0]}")

    async def statuses(self) -> dict[str, tuple[str, bool]]:
        """Return each persisted order's status, and whether an event ever said "expired"."""
        rows = await ask(self._context.stack.endpoints.database_url, STATUSES, self.slug)
        return {order_id: (status, expired) for order_id, status, expired in rows}

    async def check_paid(self, paid: Sequence[Order]) -> None:
        """Note as broken each order paid in time that is not `paid`, or was ever called expired."""
        ids = [order["id"] for order in paid]

        async def all_paid() -> bool:
            found = await self.statuses()
            return all(found.get(each, ("", False))[0] == "paid" for each in ids)

        settled = await until(all_paid, seconds=SETTLED_SECONDS)
        found = await self.statuses()
        expired = sum(found.get(each, ("", True))[1] for each in ids)
        if not settled or expired:
            unpaid = sum(found.get(each, ("", False))[0] != "paid" for each in ids)
            self._context.broken.append(f"paid in time: {unpaid} not paid, {expired} expired")
        self._context.notes.append(f"{len(ids)} payments in time, each paid its order")

    async def _buy(self, name: str) -> Order | None:
        document = {"sale": self.slug, "customer": name, "lines": [{"sku": SKU, "quantity": 1}]}
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Idempotency-Key": f"{self.slug}-{name}",
        }
        url = f"{self._url}/api/v1/orders"
        async with self._session.post(url, json=document, headers=headers) as reply:
            found: Order = await reply.json(content_type=None)
            return found if reply.status in ACCEPTED_STATUSES else None

    async def _pay(self, order: Order) -> int:
        reference = f"pay-{order['id']}"
        body = Message(
            "payment.succeeded", order["id"], order["total"], order["currency"], reference
        ).body()
        headers = signed_headers(self._secret, reference, body)
        async with self._session.post(
            f"{self._url}{CALLBACK}", data=body, headers=headers
        ) as reply:
            return reply.status


async def duties_frozen_over_paid_holds(context: FaultContext) -> None:
    """SIGSTOP urgent and settle over the end of holds, half of them paid in time; settle longer."""
    async with _shop(context, PAID + UNPAID) as shop:
        urgent, settle = context.family("urgent"), context.family("settle")
        try:
            freeze(settle)
            orders = await shop.buy([f"first-{number}" for number in range(PAID + UNPAID)])
            ends = time.monotonic() + HOLD_SECONDS
            freeze(urgent)
            if len(orders) != PAID + UNPAID:
                raise NotDone(f"{len(orders)} of {PAID + UNPAID} orders were taken")
            paid = orders[:PAID]
            await shop.pay(paid)
            await asyncio.sleep(max(0.0, ends + PAST_SECONDS - time.monotonic()))
            thaw(urgent)
            thawed = time.monotonic()
            if not await until(shop.has(UNPAID), seconds=BACK_SECONDS):
                context.broken.append(f"the unpaid units were not on sale after {BACK_SECONDS:g} s")
            context.notes.append(f"unpaid units on sale after {time.monotonic() - thawed:.1f} s")
            again = await shop.buy([f"second-{number}" for number in range(PAID + UNPAID)])
            if len(again) != UNPAID:
                context.broken.append(f"{len(again)} of {UNPAID} units that were free were sold")
        finally:
            thaw([*urgent, *settle])
        await shop.check_paid(paid)


async def payments_ahead_of_orders(context: FaultContext) -> None:
    """SIGSTOP the persist worker over the end of holds, while a rush of payments comes for them."""
    async with _shop(context, RUSH) as shop:
        worker = context.family("worker")
        try:
            freeze(worker)
            orders = await shop.buy([f"first-{number}" for number in range(RUSH)])
            ends = time.monotonic() + HOLD_SECONDS
            await shop.pay(orders)
            if len(orders) != RUSH:
                raise NotDone(f"{len(orders)} of {RUSH} orders were taken")
            await asyncio.sleep(max(0.0, ends + PAST_SECONDS - time.monotonic()))
        finally:
            thaw(worker)
        await shop.check_paid(orders)
        if again := await shop.buy(["second"]):
            context.broken.append(f"{len(again)} units that were paid in time were sold again")


@asynccontextmanager
async def _shop(context: FaultContext, units: int) -> AsyncIterator[_Shop]:
    slug = f"{context.slugs[0]}-paid"[:64]
    rules = ["--sku", f"{SKU}:{units}:25.00", "--hold", str(HOLD_SECONDS)]
    await context.stack.manage("create_sale", slug, *rules)
    key = await ensure_key(context.stack, Key("drill_api_key", client="drill"))
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        yield _Shop(context, session, key, slug)
    if drift := await drift_of(context.stack, [slug]):
        context.broken.append(f"{slug} drifts by {drift}")
