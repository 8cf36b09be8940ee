"""One soak: a sale, its load, a reading of every duty each second, and an account at the end."""

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import psycopg2
from aiohttp import web

from proof.demo.opening import disable_webhook
from proof.ledger import read_orders
from proof.reconciliation import drift_of
from proof.waiting import running_beside, until
from shop.local.api_keys import Key, ensure_key
from shop.local.receiver import Receiver
from shop.local.signed_payments import payment_secret
from shop.local.stack import Stack

from . import ledger, minute, samples
from .account import Account
from .load import HOLD_SECONDS, SKU, Load
from .minute import Lateness, Minute

CLIENT = "soak"
STOCK = 1_000_000  # what is not sold comes back
PRICE = "25.00"
LOOK_SECONDS = 1.0
SETTLE_SECONDS = 60.0  # at most, until nothing is under way any more
LONG_AGO = "2020-01-01T00:00:00Z"


@dataclass
class SoakResult:
    """The result of a soak."""

    minutes: list[Minute] = field(default_factory=list)
    accepted: int = 0
    wrong: Counter[str] = field(default_factory=Counter)  # of answers, orders and units

    @property
    def late(self) -> dict[str, str]:
        """The duties that were not on time, each with how late it was."""
        return minute.late(self.minutes)

    @property
    def held(self) -> bool:
        """Whether every duty was on time, and every unit is accounted for."""
        return bool(self.accepted) and not self.wrong and not self.late


class _Receiver(Receiver):
    """Answers every event at once."""

    async def receive(self, request: web.Request) -> web.Response:
        """Take a message."""
        await request.read()
        return web.Response(status=204)


async def soak(
    stack: Stack,
    sale: str,
    *,
    seconds: float,
    rate: float,
    minute_seconds: float = 60.0,
    report: Callable[[Minute], None] = lambda minute: None,
) -> SoakResult:
    """Sell `rate` orders a second for so long, and report each minute.

    Raises CommandFailed where the sale cannot be opened.
    """
    account, result = Account(), SoakResult()
    key = await ensure_key(stack, Key("soak_api_key", client=CLIENT))
    rules = ["--sku", f"{SKU}:{STOCK}:{PRICE}", "--hold", str(HOLD_SECONDS), "--opens", LONG_AGO]
    await stack.manage("create_sale", sale, *rules)
    async with _Receiver() as receiver:
        await stack.manage("create_webhook", receiver.url, "--client", CLIENT)
        try:
            load = Load(
                stack.web.url,
                sale,
                api_key=key,
                payment_secret=payment_secret(stack.state, stack.env),
                rate=rate,
                account=account,
                elapsed=monotonic,
            )
            watcher = _Watcher(stack, account, result, report=report).run(minute_seconds)
            async with load, running_beside(watcher):
                await load.run(seconds=seconds)
                await _settle(stack, sale, account, result, webhook_url=receiver.url)
        finally:
            await disable_webhook(stack, receiver.url)
    await _check(stack, sale, account, result)
    return result


async def _settle(
    stack: Stack, sale: str, account: Account, result: SoakResult, *, webhook_url: str
) -> None:
    async def settled() -> bool:
        accepted = len(account.behaviours)
        try:
            return await ledger.is_settled(stack, sale, accepted=accepted, webhook_url=webhook_url)
        except psycopg2.OperationalError:
            return False

    if not await until(settled, seconds=SETTLE_SECONDS, every=LOOK_SECONDS / 2):
        result.wrong[f"something was under way {SETTLE_SECONDS:g} s after the last request"] += 1


async def _check(stack: Stack, sale: str, account: Account, result: SoakResult) -> None:
    result.accepted = len(account.behaviours)
    result.wrong += account.wrong
    orders = await read_orders(stack.endpoints.database_url, [sale])
    result.wrong += account.settle((order.order_id, order.status) for order in orders)
    drift = await drift_of(stack, [sale])
    if drift is None:
        result.wrong["reconcile could not tell"] += 1
    elif drift:
        result.wrong["units of drift"] += drift


class _Watcher:
    """Reads the duties, and closes one minute after the other."""

    def __init__(
        self,
        stack: Stack,
        account: Account,
        result: SoakResult,
        *,
        report: Callable[[Minute], None],
    ) -> None:
        self._stack = stack
        self._account = account
        self._soaked = result
        self._say = report
        self._readings: list[Lateness] = []
        self._done: Counter[str] = Counter()
        self._events = ledger.EventCounts(stack)
        self._discarded = samples.Discarded(samples.broker_url(stack))
        self._deaths = stack.supervisor.deaths.total()

    async def run(self, minute_seconds: float) -> None:
        """Read until cancelled; the rest of a minute then counts as one."""
        await self._events.read_new()
        began, blind = monotonic(), 0
        try:
            while True:
                await asyncio.sleep(LOOK_SECONDS)
                found = await samples.read_duties(self._stack.web)
                if found is None:
                    blind += 1
                else:
                    self._readings.append(found)
                if monotonic() - began >= minute_seconds:
                    await self._close(monotonic() - began)
                    began = monotonic()
        finally:
            if blind:
                self._soaked.wrong["readings of /readyz without the duties"] += blind
            if self._readings:
                self._soaked.minutes.append(self._minute(monotonic() - began, {}, minute.Stores()))

    async def _close(self, seconds: float) -> None:
        stores = await samples.read_stores(self._stack)
        try:
            happened = await self._events.read_new()
        except psycopg2.OperationalError:
            happened = {}
        closed = self._minute(seconds, happened, stores)
        self._soaked.minutes.append(closed)
        self._say(closed)

    def _minute(self, seconds: float, happened: dict[str, int], stores: minute.Stores) -> Minute:
        done, before = Counter(self._account.done), self._done
        self._done, readings = done.copy(), self._readings
        self._readings = []
        done.subtract(before)
        done["ends of holds"] = happened.get("order.expired", 0)
        return Minute(
            seconds=seconds,
            done=done,
            latencies=self._account.take_latencies(),
            readings=readings,
            memory=samples.memory({**self._stack.servers, **self._stack.services}),
            stores=stores,
            restarts=self._stack.supervisor.deaths.total() - self._deaths,
            discarded=self._discarded.count(),
        )
