"""Emptying an outbox: batch by batch, each entry becomes an order or a dead letter."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress

import msgspec
import redis
from django.conf import settings
from django.db import DataError, IntegrityError

from inventory import outbox
from inventory.models import Allocation
from inventory.outbox import Entry
from inventory.selectors import sales_on_record
from orders.domain import OrderRecord, decode_record
from orders.errors import Unpersistable
from orders.http.given_json import may_be_unreadable
from orders.reads import live_stats
from orders.services import dead_letters
from shop.core import clock
from shop.core.stores.locks import try_alone

from .persist import AcceptedOrder, persist_batch

logger = logging.getLogger(__name__)

LATE_MS = 1000  # who waits longer for a busy drain is worth a second one


def drain(
    sale_id: int,
    *,
    consumer: str,
    out_of_time: Callable[[], bool],
    idle_ms: int | None = None,
    pause: Callable[[], float] = lambda: 0.0,
) -> int:
    """Persist what is in a sale's outbox, also what a dead worker left, until it is empty.

    A consumer is taken for dead after `idle_ms` of silence (PERSIST_CLAIM_IDLE_MS if None). Returns
    how many entries were taken out. Stops early when `out_of_time()`. From a batch that was not
    full to the next one at least `pause()` seconds go by. An entry that cannot be persisted goes
    to the dead letters and delays no other. Raises django.db.OperationalError and redis.RedisError
    where a server is away; nothing is lost then, the entries stay in the outbox.
    """
    done = _persist_all(
        sale_id,
        consumer,
        lambda: outbox.claim_stale(
            sale_id,
            consumer=consumer,
            idle_ms=settings.PERSIST_CLAIM_IDLE_MS if idle_ms is None else idle_ms,
            count=settings.PERSIST_BATCH,
        ),
        out_of_time,
        pause,
    )
    # The wake-up is cleared before the last look: an order accepted after that look sends another.
    while not out_of_time():
        outbox.clear_wakeup(sale_id)
        taken = _persist_all(
            sale_id,
            consumer,
            lambda: outbox.read_new(sale_id, consumer=consumer, count=settings.PERSIST_BATCH),
            out_of_time,
            pause,
        )
        if not taken:
            break
        done += taken
    return done


def drain_unless_others_do(sale_id: int, *, consumer: str, out_of_time: Callable[[], bool]) -> int:
    """Drain a sale's outbox as `drain` does, unless somebody else does and keeps up.

    Two that share a trickle would make twice as many batches of half the size. A batch is left to
    grow for a moment where no other sale needs this worker.
    """
    with try_alone("drain", sale_id) as alone:
        if not alone and _is_kept_up(sale_id):
            return 0
        others = sales_on_record(now=clock.now()).exclude(pk=sale_id)
        other_ids = list(others.values_list("pk", flat=True))
        return drain(
            sale_id,
            consumer=consumer,
            out_of_time=out_of_time,
            pause=lambda: 0.0 if _any_waiting(other_ids) else settings.PERSIST_PAUSE_SECONDS,
        )


def _is_kept_up(sale_id: int) -> bool:
    length, oldest_ms = outbox.waiting([sale_id])[sale_id]
    age_ms = clock.to_ms(outbox.clock()) - oldest_ms
    return length < settings.PERSIST_BATCH and (not length or age_ms < LATE_MS)


def _any_waiting(sale_ids: Sequence[int]) -> bool:
    return any(outbox.backlogs(sale_ids).values())


def _persist_all(
    sale_id: int,
    consumer: str,
    take: Callable[[], list[Entry]],
    out_of_time: Callable[[], bool],
    pause: Callable[[], float],
) -> int:
    """Persist and acknowledge what `take` gives, until it gives none. Returns how many it gave."""
    done, began = 0, time.monotonic()
    while not out_of_time() and (entries := take()):
        with _given_back_on_failure(sale_id, entries, consumer):
            order_ids = persist_entries(sale_id, entries)
        outbox.acknowledge(sale_id, [entry.entry_id for entry in entries], order_ids)
        with suppress(redis.RedisError):  # a figure for people, whose loss may stop nothing
            live_stats.record_persisted(sale_id, len(order_ids))
        done += len(entries)
        if len(entries) < settings.PERSIST_BATCH:
            time.sleep(max(0.0, began + pause() - time.monotonic()))
        began = time.monotonic()
    return done


@contextmanager
def _given_back_on_failure(sale_id: int, entries: Sequence[Entry], consumer: str) -> Iterator[None]:
    """Give failed entries back, so that the next consumer need not wait for this one to die."""
    try:
        yield
    except Exception as error:
        logger.warning(
            "sale %s: %d orders could not be persisted: %s", sale_id, len(entries), error
        )
        with suppress(redis.RedisError):  # then they are taken over a few seconds later
            outbox.give_back(sale_id, entries, consumer=consumer)
        raise


def persist_entries(sale_id: int, entries: Sequence[Entry]) -> list[bytes]:
    """Make sure that each entry is either an order or a dead letter. Returns their order ids."""
    known = set(Allocation.objects.filter(sale=sale_id).values_list("pk", flat=True))
    readable = []
    for entry in entries:
        try:
            readable.append(AcceptedOrder(entry, _read(sale_id, entry, known)))
        except Unpersistable as error:
            dead_letters.keep(sale_id, entry, error)
    # Two consumers that persist some of the same entries do so in the same order, so that their
    # transactions cannot wait for each other's rows.
    readable.sort(key=lambda order: order.entry.position)
    if readable:
        _persist_or_halve(sale_id, readable)
    return [order.record.order_id for order in readable]


def _read(sale_id: int, entry: Entry, known_allocations: set[int]) -> OrderRecord:
    """Return the order that `entry` holds. Raises Unpersistable."""
    try:
        record = decode_record(entry.payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unpersistable("unreadable", str(error)) from error
    if len(record.order_id) != 16 or record.sale_id != sale_id or not entry.accepted_at_ms:
        raise Unpersistable("inconsistent", f"record of sale {record.sale_id} in outbox {sale_id}")
    unknown = {line.allocation_id for line in record.lines} - known_allocations
    if unknown or not record.lines:
        raise Unpersistable("unknown-stock", f"allocations {sorted(unknown)}")
    if may_be_unreadable(record.metadata_as_given):
        raise Unpersistable("refused", "its metadata has a NUL, which PostgreSQL cannot read back")
    return record


def _persist_or_halve(sale_id: int, batch: Sequence[AcceptedOrder]) -> None:
    """Persist `batch`; if the database refuses its content, find the culprit by halving."""
    try:
        persist_batch(sale_id, batch)
    except (DataError, IntegrityError, ValueError, OverflowError) as error:
        if len(batch) == 1:
            dead_letters.keep(sale_id, batch[0].entry, Unpersistable("refused", str(error)))
            return
        middle = len(batch) // 2
        _persist_or_halve(sale_id, batch[:middle])
        _persist_or_halve(sale_id, batch[middle:])
