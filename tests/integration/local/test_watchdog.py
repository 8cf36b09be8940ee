"""A worker that lives and makes no progress is started again; one that works is left alone."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from redis import Redis

from shop.core.tasks.progress import KEY
from shop.local.processes import watchdog
from shop.local.processes.service import Service
from shop.local.processes.supervisor import Supervisor
from shop.local.processes.watchdog import PULSES, Watchdog
from shop.local.servers.redis_server import RedisServer

SLEEP = ["sleep", "600"]


class Shop:
    """Services that only sleep, and their pulses as the test gives them."""

    def __init__(self, redis_url: str) -> None:
        self.redis = Redis.from_url(redis_url)
        self.reports: list[str] = []
        self.supervisor = Supervisor(report=self.reports.append)
        self.services = {name: Service(name, SLEEP) for name in [*PULSES, "beat"]}
        self.watchdog = Watchdog(
            self.supervisor,
            self.services,
            redis_url=lambda: redis_url,
            report=self.reports.append,
            lateness=self.read_lateness,
            patience=0.5,
            start=1.5,
        )
        self.late: dict[str, float] | None = {}

    async def read_lateness(self) -> dict[str, float] | None:
        return self.late

    async def until_restarted(self, name: str, *, working: Iterable[str]) -> None:
        """Let those who work show it, until the service `name` was started again."""
        pid = self.services[name].pid
        async with asyncio.timeout(30):
            while self.services[name].pid in (pid, None):
                for other in working:
                    self.redis.hset(KEY, PULSES[other], str(time.time()))
                await asyncio.sleep(0.05)


@asynccontextmanager
async def shop(state: Path) -> AsyncIterator[Shop]:
    server = RedisServer(state)
    server.prepare()
    server.start()
    server.wait_ready()
    running = Shop(server.url)
    try:
        for service in running.services.values():
            running.supervisor.watch(service)
        looking = asyncio.create_task(running.watchdog.run())
        yield running
        looking.cancel()
        await asyncio.wait([looking])
    finally:
        await running.supervisor.stop()
        running.redis.close()
        server.stop()


@pytest.fixture(autouse=True)
def _look_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watchdog, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(watchdog, "TOGETHER", 0.15)


def others_than(name: str) -> list[str]:
    return [other for other in PULSES if other != name]


def run(scenario: Awaitable[None]) -> None:
    asyncio.run(scenario)  # type: ignore[arg-type]


def test_a_worker_of_two_queues_answers_for_the_duties_of_both() -> None:
    """The small profile has one worker for what is urgent and for payments."""
    workers = {"worker": ["persist"], "urgent": ["urgent", "settle"], "notifier": ["notify"]}
    watchdog = Watchdog(
        None,
        {},
        redis_url=str,
        report=print,
        lateness=None,
        workers=workers,
        patience=-1,
    )
    assert watchdog._idle({"payments": 5.0}) == [("urgent", "payments")]
    assert watchdog._idle({"deliveries": 5.0}) == [("notifier", "deliveries")]


def test_a_frozen_worker_is_started_again_and_the_others_are_left_alone(state: Path) -> None:
    async def scenario() -> None:
        async with shop(state) as running:
            others = [name for name in running.services if name != "worker"]
            before = {name: running.services[name].pid for name in others}
            psutil.Process(running.services["worker"].pid).send_signal(signal.SIGSTOP)
            await running.until_restarted("worker", working=others_than("worker"))
            assert {name: running.services[name].pid for name in others} == before
            assert "worker shows no progress for 0.5 s, it is stopped" in running.reports

    run(scenario())


def test_a_pulse_from_the_future_does_not_hide_a_worker_that_stands_still(state: Path) -> None:
    async def scenario() -> None:
        async with shop(state) as running:
            running.redis.hset(KEY, PULSES["worker"], str(time.time() + 3600))
            await running.until_restarted("worker", working=others_than("worker"))

    run(scenario())


def test_where_nobody_shows_progress_it_is_beat_that_asks_nobody(state: Path) -> None:
    async def scenario() -> None:
        async with shop(state) as running:
            workers = {name: running.services[name].pid for name in PULSES}
            await running.until_restarted("beat", working=())
            assert {name: running.services[name].pid for name in PULSES} == workers

    run(scenario())


def test_a_worker_with_a_pulse_that_leaves_its_work_undone_is_started_again(state: Path) -> None:
    async def scenario() -> None:
        async with shop(state) as running:
            began = time.monotonic()

            async def later_and_later() -> dict[str, float]:
                return {"holds": 100 + time.monotonic() - began, "payments": 0.0}

            running.watchdog._lateness = later_and_later
            await running.until_restarted("urgent", working=PULSES)
            assert "urgent leaves holds undone for 0.5 s, it is stopped" in running.reports
            assert not any("settle" in report for report in running.reports)

    run(scenario())


def test_a_backlog_that_shrinks_is_left_alone_however_old_it_is(state: Path) -> None:
    async def scenario() -> None:
        async with shop(state) as running:
            late = {"releases": 500.0}

            async def shrinking() -> dict[str, float]:
                late["releases"] -= 0.6  # the oldest was done, the next one is a little younger
                return late

            running.watchdog._lateness = shrinking
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.5):
                    await running.until_restarted("urgent", working=PULSES)

    run(scenario())


def test_workers_that_wait_for_orders_to_be_persisted_are_not_to_blame(state: Path) -> None:
    async def scenario() -> None:
        async with shop(state) as running:
            began = time.monotonic()

            async def all_late() -> dict[str, float]:
                age = 100 + time.monotonic() - began
                return {"orders": age, "holds": age, "payments": age}

            running.watchdog._lateness = all_late
            await running.until_restarted("worker", working=PULSES)
            assert [report for report in running.reports if "undone" in report] == [
                "worker leaves orders undone for 0.5 s, it is stopped"
            ]

    run(scenario())


def test_a_process_that_is_only_starting_has_its_time(state: Path) -> None:
    async def scenario() -> None:
        async with shop(state) as running:
            running.watchdog._start = 600.0  # as long as a start may take
            began = {name: running.services[name].pid for name in PULSES}
            with pytest.raises(TimeoutError):  # the first start of all of them
                async with asyncio.timeout(1.5):
                    await running.until_restarted("urgent", working=others_than("urgent"))
            await running.supervisor.restart(running.services["urgent"], grace=0.1)
            await running.until_restarted("urgent", working=others_than("urgent"))
            began["urgent"] = running.services["urgent"].pid
            with pytest.raises(TimeoutError):  # and one that was started again
                async with asyncio.timeout(1.5):
                    await running.until_restarted("urgent", working=others_than("urgent"))
            assert {name: running.services[name].pid for name in PULSES} == began

    run(scenario())
