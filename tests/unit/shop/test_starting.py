"""A start is waited for as long as something moves, and says what is slow."""

import asyncio
import json
from collections.abc import Callable

import pytest

from shop.local.errors import ServerFailed
from shop.local.processes import starting
from shop.local.processes.service import Service
from shop.local.web import Reply

NOT_READY = Reply(
    503,
    json.dumps(
        {
            "checks": {
                "postgresql": {"ok": True, "detail": "ok"},
                "redis": {"ok": False, "detail": "Connection refused"},
            }
        }
    ),
)


class Slow:
    """A web process that is ready when it has been asked often enough."""

    def __init__(self, asked: int = 10**9) -> None:
        self.left = asked

    async def get(self, path: str) -> Reply:
        self.left -= 1
        return NOT_READY if self.left else Reply(200, "{}")


def start(
    web: Slow,
    monkeypatch: pytest.MonkeyPatch,
    *,
    cpu: Callable[[], float] = lambda: 0.0,
    died: Callable[[], Service | None] = lambda: None,
    **bounds: float,
) -> list[str]:
    """Wait for `web` on a clock that moves by a second at each look; return what was said."""
    said: list[str] = []
    now = iter(range(10**9))
    monkeypatch.setattr(starting, "monotonic", lambda: float(next(now)))
    monkeypatch.setattr(starting, "cpu_seconds", lambda services: cpu())
    monkeypatch.setattr(starting, "CHECK_SECONDS", 0)
    wait = starting.wait_until_ready(
        web,  # type: ignore[arg-type]
        [],
        path="/readyz",
        died=died,
        say=said.append,
        **bounds,
    )
    asyncio.run(wait)
    return said


def test_a_slow_start_is_waited_for_while_something_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter(range(10**9))
    said = start(Slow(200), monkeypatch, cpu=lambda: next(used), still=60, longest=300)
    assert said[0] == "still starting after 11 s: redis: Connection refused"
    assert len(said) > 10


def test_a_start_in_which_nothing_moves_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ServerFailed, match=r"web is not ready after 61 s") as error:
        start(Slow(), monkeypatch, still=60, longest=300)
    assert error.value.last_lines == ["redis: Connection refused"]


def test_no_start_is_waited_for_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    used = iter(range(10**9))
    with pytest.raises(ServerFailed, match="after 301 s"):
        start(Slow(), monkeypatch, cpu=lambda: next(used), still=60, longest=300)


def test_a_service_that_dies_ends_the_start_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = Service("worker", ["false"])
    with pytest.raises(ServerFailed, match="worker ended during the start"):
        start(Slow(), monkeypatch, died=lambda: dead)


def test_processor_time_of_what_a_service_has_started_counts() -> None:
    service = Service("busy", ["sh", "-c", "while :; do :; done & wait"])
    service.start()
    try:
        before = starting.cpu_seconds([service])
        while starting.cpu_seconds([service]) <= before:
            pass
    finally:
        service.stop()
    assert starting.cpu_seconds([service]) == 0.0


@pytest.mark.parametrize(
    ("reply", "lines"),
    [
        (Reply(0, "no answer"), ["web does not answer yet"]),
        (NOT_READY, ["redis: Connection refused"]),
        (Reply(500, "<html>"), ["web answers 500"]),
        (Reply(503, "[]"), ["web answers 503"]),
        (Reply(503, '{"checks": 5}'), ["web answers 503"]),
    ],
)
def test_what_is_missing_is_said_in_words_and_not_in_json(reply: Reply, lines: list[str]) -> None:
    assert starting.missing(reply) == lines
