"""Waiting for a start: as long as something moves, and with a word on what is slow."""

import asyncio
import json
from collections.abc import Callable, Iterable
from time import monotonic

import psutil

from shop.local.errors import ServerFailed
from shop.local.web import Reply, Web

from .service import Service

LONGEST_SECONDS = 300.0  # no start takes longer, however much moves
STILL_SECONDS = 60.0  # without a moment of processor time, nothing is coming any more
SAY_SECONDS = 10.0
CHECK_SECONDS = 0.1
LEAST_CPU_SECONDS = 0.02  # a process that sleeps uses less between two looks


async def wait_until_ready(
    web: Web,
    services: Iterable[Service],
    *,
    path: str,
    died: Callable[[], Service | None],
    say: Callable[[str], None],
    longest: float = LONGEST_SECONDS,
    still: float = STILL_SECONDS,
) -> None:
    """Return when `web` answers `path` with 200, or is late with its work and no more.

    A busy machine may take minutes, so the wait ends only where a service has died (`died`), where
    none of `services` has used the processor for `still` seconds, or after `longest` seconds. Each
    ten seconds `say` hears what is waited for. Raises ServerFailed.
    """
    began = said = moved = monotonic()
    used = 0.0
    while not is_ready(reply := await web.get(path)):
        if service := died():
            raise ServerFailed(service.name, "ended during the start", service.last_lines())
        now = monotonic()
        if (by_now := cpu_seconds(services)) > used + LEAST_CPU_SECONDS or by_now < used:
            used, moved = by_now, now
        if now - moved > still or now - began > longest:
            raise ServerFailed("web", f"is not ready after {now - began:.0f} s", missing(reply))
        if now - said > SAY_SECONDS:
            said = now
            say(f"still starting after {now - began:.0f} s: {'; '.join(missing(reply))}")
        await asyncio.sleep(CHECK_SECONDS)


def is_ready(reply: Reply) -> bool:
    """Tell whether everything is there. Work that an earlier run has left is still to be done."""
    if reply.status == 200:
        return True
    try:
        return bool(json.loads(reply.text)["failing"] == ["duties"])
    except (ValueError, TypeError, KeyError):
        return False


def cpu_seconds(services: Iterable[Service]) -> float:
    """Return how much processor time the processes of `services` have used so far."""
    return sum(_cpu_of(service.pid) for service in services if service.pid is not None)


def missing(reply: Reply) -> list[str]:
    """Return a line for each part that an answer of /healthz or /readyz says is missing."""
    if not reply.status:
        return ["web does not answer yet"]
    try:
        parts = json.loads(reply.text)["checks"].items()
        return [f"{name}: {part['detail']}" for name, part in parts if not part["ok"]]
    except (ValueError, KeyError, TypeError, AttributeError):
        return [f"web answers {reply.status}"]


def _cpu_of(pid: int) -> float:
    try:
        process = psutil.Process(pid)
        family = [process, *process.children(recursive=True)]
        return sum(sum(each.cpu_times()[:2]) for each in family)
    except psutil.Error:  # it has just ended
        return 0.0
