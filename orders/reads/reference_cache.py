"""Clients and sales as this process knows them without a query: a copy at most seconds old."""

import asyncio
import logging
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from django.conf import settings
from django.db import DatabaseError

from inventory.models import Allocation, Sale
from inventory.money import AmountRefused, to_minor
from inventory.selectors import sales_on_record
from orders.errors import ReferenceCacheUnavailable
from orders.models import ApiClient, hash_api_key
from shop.core import clock
from shop.core.error_text import first_line
from shop.core.processes.health import NotReady
from shop.core.processes.threads import Overloaded, in_thread

logger = logging.getLogger(__name__)

FRESH_SECONDS = 1.0  # younger than this: used as it is
STALE_SECONDS = 3.0  # older than this: waited for, so that a revoked key ends within seconds
PATIENCE_SECONDS = 0.5  # with a reading under way, where there is a copy
AGAIN_SECONDS = 0.2  # between two readings for something that was not there
LONGEST_READING = 0.5  # seconds, as far as the pause after it depends on it
READING_SHARE = 4  # times as long as a reading took, at least, until the next of these
OLD_SECONDS = 10.0  # older than this although it is used: an operator has to look
MAX_WAITING = 1000
WOKEN_AT_ONCE = 8  # that are woken in one turn of the event loop
MAX_CALLERS = 1000
MAX_UNKNOWN_KEYS = 10_000
NEWER_TRIES = 3  # one may have been under way already, one may fail


@dataclass(frozen=True, slots=True)
class Client:
    """An API client: who calls, and how many orders a second it may send (None: any number)."""

    id: int
    name: str
    rate_limit: int | None
    public: bool = False  # anybody may read its key


@dataclass(frozen=True, slots=True)
class OfferedSku:
    """One SKU of a sale: its allocation and its price."""

    allocation_id: int
    unit_price: int  # minor units


@dataclass(frozen=True, slots=True)
class KnownSale:
    """A sale as orders are checked against it; `epoch` counts the lives of its counters."""

    id: int
    slug: str
    currency: str
    epoch: int
    closed: bool
    skus: dict[str, OfferedSku]


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All clients and sales as they were at one moment."""

    clients: dict[str, Client]  # by the hash of their key
    sales: dict[str, KnownSale]  # by slug
    on_record: frozenset[int]  # sales whose counters Redis has to hold
    left_out: tuple[str, ...] = ()  # what could not be read, each with the reason
    callers: dict[bytes, Client] = field(default_factory=dict)  # seen by this Authorization header
    unknown_keys: set[str] = field(default_factory=set)  # hashes that were looked for in vain

    def note_unknown(self, key_hash: str) -> None:
        """Know that there is no such key, although this copy was waited for to look for it.

        A key is drawn at random, so no client waits for this one. The next request with it is
        refused at once, until a newer copy takes this one's place.
        """
        if len(self.unknown_keys) < MAX_UNKNOWN_KEYS:
            self.unknown_keys.add(key_hash)

    def remember(self, authorization: bytes, client: Client) -> None:
        """Know `client` again by the same header; not more than there are clients, roughly."""
        if len(self.callers) < MAX_CALLERS:
            self.callers[authorization] = client


class ReferenceCache:
    """A copy of clients and sales that keeps itself fresh while it is used.

    While PostgreSQL is away, the last copy serves: orders are accepted all the same.
    """

    def __init__(self) -> None:
        self._snapshot: Snapshot | None = None
        self._loaded_at = -STALE_SECONDS
        self._tried_at = -STALE_SECONDS
        self._loading: asyncio.Task[None] | None = None
        self._waiting_now = 0  # requests that wait for something that the copy lacks
        self._waiting: list[asyncio.Future[None]] = []  # those of them that the next reading serves
        self._refreshing: asyncio.Task[None] | None = None
        self._reading_seconds = 0.0  # that the last one took
        self._trouble = ""  # why the last reading failed

    def cached(self) -> Snapshot | None:
        """Return the copy if it is young enough to be used without waiting for anything."""
        age = time.monotonic() - self._loaded_at
        if age > STALE_SECONDS:
            return None
        if age > FRESH_SECONDS:
            self._start_loading(FRESH_SECONDS)
        return self._snapshot

    async def current(self) -> Snapshot:
        """Return the copy. Raises ReferenceCacheUnavailable where there can be none."""
        if snapshot := self.cached():
            return snapshot
        await self._load(FRESH_SECONDS)
        if self._snapshot is None:
            raise ReferenceCacheUnavailable
        return self._snapshot

    async def check(self) -> str:
        """Return the state of the copy in words. Raises NotReady where it does not get newer."""
        with suppress(ReferenceCacheUnavailable):
            await self.current()
        why = self._trouble or "no answer yet"
        if self._snapshot is None:
            raise NotReady(f"clients and sales cannot be read: {why}")
        age = time.monotonic() - self._loaded_at
        if age > OLD_SECONDS:
            raise NotReady(f"clients and sales were last read {age:.0f} s ago, which serves: {why}")
        if self._snapshot.left_out:
            return f"without what cannot be read: {'; '.join(self._snapshot.left_out[:5])}"
        return "ok"

    async def refreshed(self) -> Snapshot:
        """Return a copy whose reading began after this call, for a request that misses something.

        It is read at most every 0.2 s and for a quarter of the time, for any number of requests.
        While that fails, the last copy serves. It serves at once when a thousand requests wait:
        guessed keys must not pile up requests.
        """
        if self._waiting_now >= MAX_WAITING:
            return await self.current()
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(woken)
        self._waiting_now += 1
        if self._refreshing is None:
            self._refreshing = asyncio.create_task(self._refresh())
        try:
            await woken
        finally:
            self._waiting_now -= 1
        return await self.current()

    async def _refresh(self) -> None:
        """Read while any request waits: one reading for all that came before it began."""
        waiting: list[asyncio.Future[None]] = []
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                await self._read_after(time.monotonic())
                for at in range(0, len(waiting), WOKEN_AT_ONCE):
                    _wake(waiting[at : at + WOKEN_AT_ONCE])
                    await asyncio.sleep(0)  # orders are served in between
        finally:
            self._refreshing = None
            _wake([*waiting, *self._waiting])

    async def _read_after(self, asked: float) -> None:
        for _ in range(NEWER_TRIES):
            if self._loading is None:
                again_at = self._tried_at + max(
                    AGAIN_SECONDS, READING_SHARE * self._reading_seconds
                )
                await asyncio.sleep(max(0.0, again_at - time.monotonic()))
            await self._load(pause=0)  # the pause is over, give or take the timer's grain
            if self._loaded_at >= asked:
                break

    async def _load(self, pause: float) -> None:
        task = self._start_loading(pause)
        if task is None:
            return
        patience = None
        if self._snapshot is not None:  # a PostgreSQL that stands still must not hold up orders
            patience = max(0.0, self._tried_at + PATIENCE_SECONDS - time.monotonic())
        await asyncio.wait([task], timeout=patience)

    def _start_loading(self, pause: float) -> asyncio.Task[None] | None:
        """Start reading, unless that was tried `pause` seconds ago. Returns the task under way."""
        if self._loading is None and time.monotonic() - self._tried_at >= pause:
            self._tried_at = time.monotonic()
            self._loading = asyncio.create_task(self._read())
        return self._loading

    async def _read(self) -> None:
        started = time.monotonic()
        try:
            self._snapshot = await in_thread(read_snapshot)
            self._loaded_at = started
            if self._trouble:
                logger.info("clients and sales are read again")
            self._trouble = ""
        except Exception as error:  # in any case, the last copy serves
            if not self._trouble:  # said once, not every second
                expected = isinstance(error, DatabaseError | Overloaded)
                logger.warning(
                    "clients and sales can't be read, the last copy serves: %s",
                    error,
                    exc_info=None if expected else error,
                )
            self._trouble = first_line(error)
        finally:
            self._reading_seconds = min(time.monotonic() - started, LONGEST_READING)
            self._loading = None


def _wake(waiting: Iterable[asyncio.Future[None]]) -> None:
    for woken in waiting:
        if not woken.done():
            woken.set_result(None)


def read_snapshot() -> Snapshot:
    """Read all clients, all sales, and the SKUs of those that may still be asked for."""
    public_key = hash_api_key(settings.DROP_PAGE_API_KEY)
    skus: dict[int, dict[str, OfferedSku]] = {}
    left_out = []
    sales = list(Sale.objects.all())
    on_record = frozenset(sales_on_record(now=clock.now()).values_list("pk", flat=True))
    offered = Allocation.objects.filter(sale__in=on_record).select_related("product", "sale")
    for allocation in offered:
        sku = allocation.product.sku
        try:
            price = to_minor(allocation.unit_price, allocation.sale.currency)
        except AmountRefused as error:  # then it is not offered; the others are
            left_out.append(f"SKU {sku} of sale {allocation.sale.slug}: {error}")
            continue
        skus.setdefault(allocation.sale_id, {})[sku] = OfferedSku(allocation.pk, price)
    return Snapshot(
        clients={
            client.key_hash: Client(
                client.pk, client.name, client.rate_limit, public=client.key_hash == public_key
            )
            for client in ApiClient.objects.filter(active=True)
        },
        sales={
            sale.slug: KnownSale(
                id=sale.pk,
                slug=sale.slug,
                currency=sale.currency,
                epoch=sale.epoch,
                closed=sale.closed_at is not None,
                skus=skus.get(sale.pk, {}),
            )
            for sale in sales
        },
        on_record=on_record,
        left_out=tuple(left_out),
    )
