"""Notices a worker that is alive and makes no progress, and has it started again."""

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

import redis

from shop.core.progress import KEY
from shop.local.service import Service
from shop.local.supervisor import Supervisor

LOOK_SECONDS = 2.0
PATIENCE_SECONDS = 45.0  # longer than a task may take
STOP_SECONDS = 1.0  # it does not work, so it won't end its work either

# What shows that a service of the Procfile works: a task through its queue, every two seconds.
PULSES = {"worker": "persist pulse", "upkeep": "upkeep pulse", "notifier": "notify pulse"}


class Watchdog:
    """Looks at the pulses in Redis, and stops who has none; the supervisor starts it again."""

    def __init__(
        self,
        supervisor: Supervisor,
        services: Mapping[str, Service],
        *,
        redis_url: Callable[[], str],
        notice: Callable[[str], None],
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """Give each of `services` `patience` seconds of silence; tell `notice` what is done."""
        self._supervisor = supervisor
        self._services = services
        self._redis_url = redis_url
        self._notice = notice
        self._patience = patience
        self._seen: dict[str, tuple[str, float]] = {}  # each one's last pulse, and since when

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                pulses = await asyncio.to_thread(self._read)
            except redis.RedisError:
                self._seen.clear()  # nobody can work, nor show it
                continue
            silent = self._silent(pulses)
            # Where nobody at all shows progress, nobody is asked to: that is beat's work.
            for name in ["beat"] if silent == [*PULSES] else silent:
                await self._start_again(name)

    def _read(self) -> dict[str, str]:
        with redis.Redis.from_url(
            self._redis_url(), socket_timeout=2, socket_connect_timeout=2
        ) as client:
            found: Any = client.hgetall(KEY)
        return {name.decode(): at.decode() for name, at in found.items()}

    def _silent(self, pulses: Mapping[str, str]) -> list[str]:
        """Return the services that have shown no progress for too long.

        By our own watch: the time that a pulse names is as good as the clock of who wrote it.
        """
        now = time.monotonic()
        for name, pulse in PULSES.items():
            at = pulses.get(pulse, "")
            if self._seen.get(name, (None,))[0] != at:
                self._seen[name] = (at, now)
        return [name for name in PULSES if now - self._seen[name][1] > self._patience]

    async def _start_again(self, name: str) -> None:
        self._notice(f"{name} shows no progress for {self._patience:g} s, it is stopped")
        self._seen.clear()
        await self._supervisor.restart(self._services[name], grace=STOP_SECONDS)
