"""The rules and the stock of a sale's counters: opened, changed, given back, taken again."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from inventory.reservation import Gap, Release, entry_id_of

from .keys import PERSIST_GROUP, Keys
from .lua import call, run


class Rules(NamedTuple):
    """The rules of a sale as the scripts need them. Times are Unix milliseconds."""

    state: str  # open, paused or closed; the script checks the window
    opens_ms: int
    closes_ms: int | None
    limit: int
    hold_ms: int  # 0: an order holds its stock for good (no payment)

    def fields(self) -> list[str | int]:
        """Return names and values, alternating, as the scripts take them."""
        closes: str | int = "" if self.closes_ms is None else self.closes_ms
        return [
            *("state", self.state, "opens", self.opens_ms, "closes", closes),
            *("limit", self.limit, "hold", self.hold_ms),
        ]


def load(
    sale_id: int,
    *,
    epoch: int,
    version: int,
    rules: Rules,
    stock: Iterable[tuple[int, int, int]],
    after_position: int = 0,
    releases: int = 0,
) -> bool:
    """Open a sale's counters, unless there are any: then returns False.

    `stock` is (allocation, available, taken). The outbox gives out only positions above
    `after_position`, and releases get places above `releases`.
    """
    keys = Keys.of(sale_id)
    config = ["epoch", epoch, "version", version, "after", after_position, *rules.fields()]
    after = entry_id_of(after_position)
    arguments: list[Any] = [PERSIST_GROUP, after, releases, len(config) // 2, *config]
    for row in stock:
        arguments += row
    reply = call("load.lua", [keys.config, keys.stock, keys.outbox], arguments)
    return bool(reply)


def publish(sale_id: int, *, epoch: int, version: int, rules: Rules) -> bool:
    """Bring changed rules to the counters. Returns False where there are none of this epoch."""
    arguments = [epoch, version, *rules.fields()]
    return bool(call("publish.lua", [Keys.of(sale_id).config], arguments))


def allocate(sale_id: int, slug: str, *, epoch: int, stock: Sequence[tuple[int, int]]) -> int:
    """Put on sale what `stock`, (allocation, units in all), has more than the counters know of.

    Returns how many units that were. Raises CountersLost, CountersUnavailable.
    """
    keys = Keys.of(sale_id)
    arguments: list[Any] = [epoch, len(stock)]
    for allocation in stock:
        arguments += allocation
    [units] = run(slug, "allocate.lua", [keys.config, keys.stock], arguments)
    return int(units)


def release(
    sale_id: int, slug: str, *, epoch: int, server: bytes, releases: Sequence[Release]
) -> list[int]:
    """Give back what these orders, at most 1,000, held, once each.

    Returns each one's place among the sale's releases. Only `server` is asked. Raises CountersLost,
    CountersUnavailable, ServerNotCompared.
    """
    keys = Keys.of(sale_id)
    arguments: list[Any] = [epoch, server, len(releases)]
    arguments += (order.order_id for order in releases)
    for order in releases:
        arguments += (order.customer, len(order.lines))
        for line in order.lines:
            arguments += line
    reply = run(
        slug, "release.lua", [keys.config, keys.stock, keys.limits, keys.released], arguments
    )
    return [int(place) for place in reply]


def reacquire(
    sale_id: int, slug: str, *, epoch: int, server: bytes, order: Release, place: int | None
) -> Gap | None:
    """Take once more what an order had held before its hold ended; all of it, or nothing: None.

    `place` is that of its release where it is known. May be repeated: the answer stays the same.
    Only `server` is asked. Raises CountersLost, CountersUnavailable, ServerNotCompared.
    """
    keys = Keys.of(sale_id)
    arguments: list[Any] = [epoch, server, order.order_id, order.customer, place or 0]
    arguments.append(len(order.lines))
    for line in order.lines:
        arguments += line
    reply = run(
        slug, "retake.lua", [keys.config, keys.stock, keys.limits, keys.released], arguments
    )
    return None if reply == [0] else Gap(*map(int, reply))
