"""The time is set while everything sells: an hour ahead and back, twice, and an hour back."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any

from aiohttp import ClientSession

from proof.drill.fault_context import FaultContext
from proof.drill.outcome import NotDone
from proof.drill.shifted_clock import ShiftedClock
from proof.drill.surroundings import running_with
from proof.waiting import until
from shop.core.tasks.progress import KEY
from shop.local.database import ask
from shop.local.processes.watchdog import PULSES

HOUR = 3600
JUMPS = (HOUR, 0, HOUR, 0, -HOUR, 0)  # seconds ahead of the true time, one after the other
STAY_SECONDS = 1.5  # after each jump
SEEN_SECONDS = 60.0  # until a process has shown that; one that stands still is ended after 45
NEAR_SECONDS = 60.0  # what a clock may be off and still be the one that was set

Clock = Callable[[], Awaitable[float]]  # returns Unix seconds


async def clock_jumps_in_redis(context: FaultContext) -> None:
    """Redis' clock jumps by an hour, ahead and back: no other one."""

    async def now() -> float:
        seconds, _ = await context.stock.time()
        return float(seconds)

    await _jump(context, ["redis"], {"redis": now})


async def clock_jumps_in_postgres(context: FaultContext) -> None:
    """PostgreSQL's clock jumps by an hour, ahead and back: no other one."""

    async def now() -> float:
        url = context.stack.endpoints.database_url
        [(seconds,)] = await ask(url, "SELECT extract(epoch FROM clock_timestamp())::float8")
        return float(seconds)

    await _jump(context, ["postgres"], {"postgres": now})


async def clock_jumps_in_product(context: FaultContext) -> None:
    """The clock of web, workers and beat jumps by an hour, ahead and back: not the servers'."""
    clocks: dict[str, Clock] = {name: _pulse_of(context, PULSES[name]) for name in PULSES}
    clocks["web"] = _date_of(context)
    await _jump(context, ["beat", *clocks], clocks)


async def _jump(context: FaultContext, names: list[str], clocks: Mapping[str, Clock]) -> None:
    """Restart `names` with a clock of ours and let it jump. Raises Skipped, or NotDone."""
    clock = await asyncio.to_thread(ShiftedClock, context.stack.state)
    with clock:
        async with running_with(context, *names, env=clock.env):
            for ahead in JUMPS:
                clock.shift(ahead)
                await asyncio.gather(*(_see(name, clocks[name], ahead) for name in clocks))
                await asyncio.sleep(STAY_SECONDS)
    context.notes.append(f"the clock of {', '.join(names)} was seen to jump {len(JUMPS)} times")


async def _see(name: str, clock: Clock, ahead: int) -> None:
    async def has_jumped() -> bool:
        return abs(await clock() - time.time() - ahead) < NEAR_SECONDS

    if not await until(has_jumped, seconds=SEEN_SECONDS):
        raise NotDone(f"the clock of {name} is not {ahead} s ahead")


def _pulse_of(context: FaultContext, pulse: str) -> Clock:
    """Return the clock of a worker, as it writes it down with each sign of life."""

    async def now() -> float:
        found: Any = await context.stock.hget(KEY, pulse)
        return float(found or 0)

    return now


def _date_of(context: FaultContext) -> Clock:
    """Return the clock of the web process, as it answers it in `Date`."""

    async def now() -> float:
        async with (
            ClientSession(context.stack.web.url) as session,
            session.get("/healthz") as response,
        ):
            return parsedate_to_datetime(response.headers["Date"]).timestamp()

    return now
