"""Notices a worker that is alive and does not do its work, and has it started again."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import redis

from shop.core.tasks.progress import KEY
from shop.local.web import Web

from .service import Service
from .supervisor import Supervisor

LOOK_SECONDS = 2.0
PATIENCE_SECONDS = 45.0  # longer than a task may take
START_SECONDS = 120.0  # for a new process on a busy machine, until it first shows itself
STOP_SECONDS = 1.0  # it does not work, so it won't end its work either
MOST_PATIENCE = 16  # times the usual, for a duty that restarts have not helped with
TOGETHER = 3 * LOOK_SECONDS  # who falls silent within this, falls silent for one reason

# The services of the usual Procfile that read queues.
WORKERS = {
    "worker": ["persist"],
    "urgent": ["urgent"],
    "settle": ["settle"],
    "upkeep": ["upkeep"],
    "notifier": ["notify"],
}
# The proof that a service takes messages: a task through its queue, the first of several.
PULSES = {name: f"{queues[0]} pulse" for name, queues in WORKERS.items()}
# The queue through which each duty of /readyz is done. That it gets no later shows that it is done.
DUTIES = {
    "orders": "persist",
    "holds": "urgent",
    "releases": "urgent",
    "payments": "settle",
    "deliveries": "notify",
}
_SAME = 0.5  # seconds: of two looks at the same piece of work, the later may be off by so much

Late = Mapping[str, float]


async def read_lateness(web: Web) -> Late | None:
    """Return how late each duty is, in seconds, by /readyz; None where it cannot tell."""
    reply = await web.get("/readyz")
    try:
        late = json.loads(reply.text)["checks"]["duties"]["late_seconds"]
        return {str(name): float(seconds) for name, seconds in late.items()}
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@dataclass
class _Seen:
    """The progress of a service, by the monotonic clock: a clock that is set cannot mislead it."""

    pid: int | None
    pulse: str
    at: float  # when its process was new, or its pulse last changed
    proven: bool  # whether this process has shown a pulse


@dataclass
class _Oldest:
    """The lateness of a duty at the last look, and since when its oldest piece is the same."""

    late: float
    at: float
    since: float


class Watchdog:
    """Looks at what each worker shows and does; the supervisor restarts those that do nothing.

    A worker that shows no pulse takes no messages. One that shows its pulse may do nothing all the
    same: then what it is to do gets older, second by second. Work that is behind and moves is left
    alone: a backlog that shrinks is progress.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        services: Mapping[str, Service],
        *,
        redis_url: Callable[[], str],
        report: Callable[[str], None],
        lateness: Callable[[], Awaitable[Late | None]],
        workers: Mapping[str, Sequence[str]] = WORKERS,
        patience: float = PATIENCE_SECONDS,
        start: float = START_SECONDS,
    ) -> None:
        """Give each of `services` `patience` seconds, or `start` where its process is new.

        `workers` says which queues each of them reads, if any, the one that shows its pulse first.
        `report` is told what is done.
        """
        self._supervisor = supervisor
        self._services = services
        self._redis_url = redis_url
        self._report = report
        self._lateness = lateness
        self._pulses = {name: f"{queues[0]} pulse" for name, queues in workers.items()}
        self._owners = {queue: name for name, queues in workers.items() for queue in queues}
        self._patience = patience
        self._start = start
        self._seen: dict[str, _Seen] = {}
        self._oldest: dict[str, _Oldest] = {}
        self._helpless: Counter[str] = Counter()  # restarts that have not helped with a duty

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                pulses = await asyncio.to_thread(self._read)
            except redis.RedisError:
                self._begin_anew()  # no worker can work, nor show it
                continue
            for name in self._silent(pulses):
                await self._start_again(name, "shows no progress")
            for name, duty in self._idle(await self._lateness() or {}):
                self._helpless[duty] += 1
                await self._start_again(name, f"leaves {duty} undone")

    def _read(self) -> dict[str, str]:
        with redis.Redis.from_url(
            self._redis_url(), socket_timeout=2, socket_connect_timeout=2
        ) as client:
            found: Any = client.hgetall(KEY)
        return {name.decode(): at.decode() for name, at in found.items()}

    def _silent(self, pulses: Mapping[str, str]) -> list[str]:
        """Return the services to start again since they have shown no progress for too long."""
        now = time.monotonic()
        for name, pulse in self._pulses.items():
            self._look(name, pulses.get(pulse, ""), now)
        silent = [each for each in self._pulses if now - self._seen[each].at > self._allowed(each)]
        # Where all fell silent together, no worker is at fault: beat sends the tasks.
        if silent and self._last_sign() - min(self._seen[each].at for each in silent) < TOGETHER:
            self._begin_anew()
            return ["beat"]
        return silent

    def _look(self, name: str, pulse: str, now: float) -> None:
        seen, pid = self._seen.get(name), self._services[name].pid
        if seen is None or seen.pid != pid:
            self._seen[name] = _Seen(pid, pulse, now, proven=False)
        elif seen.pulse != pulse:
            self._seen[name] = _Seen(pid, pulse, now, proven=True)

    def _begin_anew(self) -> None:
        """Give every service as much time as if it had shown progress just now."""
        for seen in self._seen.values():
            seen.at = time.monotonic()
        self._oldest.clear()

    def _allowed(self, name: str) -> float:
        return self._patience if self._seen[name].proven else self._start

    def _last_sign(self) -> float:
        return max(seen.at for seen in self._seen.values())

    def _idle(self, late: Late) -> list[tuple[str, str]]:
        """Return the services that leave a duty undone for too long, each with that duty."""
        now = time.monotonic()
        undone = {duty for duty in late if self._is_undone(duty, late[duty], now)}
        if "orders" in undone:  # the others may wait for just these
            undone = {"orders"}
        return [(self._owners[queue], duty) for duty, queue in DUTIES.items() if duty in undone]

    def _is_undone(self, duty: str, late: float, now: float) -> bool:
        before = self._oldest.get(duty)
        if late <= 0:
            del self._helpless[duty]
        moved = before is None or late + _SAME < before.late + (now - before.at)
        since = now if late <= 0 or moved or before is None else before.since
        self._oldest[duty] = _Oldest(late, now, since)
        # One piece that cannot be done must not have a worker started again and again for it.
        patience = self._patience * min(1 << self._helpless[duty], MOST_PATIENCE)
        return now - since > patience

    async def _start_again(self, name: str, why: str) -> None:
        self._report(f"{name} {why} for {self._patience:g} s, it is stopped")
        self._oldest.clear()
        await self._supervisor.restart(self._services[name], grace=STOP_SECONDS)
