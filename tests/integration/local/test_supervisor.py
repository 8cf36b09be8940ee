"""The supervisor starts again what dies, and leaves nothing running when it stops."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from redis import Redis

from shop.local.processes.parent_death_guard import MOST_FILES
from shop.local.processes.service import Service
from shop.local.processes.supervisor import Supervisor
from shop.local.servers.postgres import Postgres
from shop.local.servers.redis_server import RedisServer

from .conftest import assert_soon, gone
from .test_embedded_servers import query

# A program that will not end when asked, and has started two more of the kind: one in its own
# session, as Celery's pool processes are, and one that has left it. Prints all three ids.
STUBBORN = """
import os, signal, subprocess, sys

signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleep = [sys.executable, "-c", "import signal; signal.pause()"]
children = [subprocess.Popen(sleep), subprocess.Popen(sleep, start_new_session=True)]
print(os.getpid(), *(child.pid for child in children), flush=True)
signal.pause()
"""


@asynccontextmanager
async def supervising(*services: Service) -> AsyncIterator[list[str]]:
    """Run `services` and yield what the supervisor notes about them."""
    reports: list[str] = []
    supervisor = Supervisor(report=reports.append)
    try:
        for service in services:
            supervisor.watch(service)
        yield reports
    finally:
        await supervisor.stop()


async def soon(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(assert_soon, condition)


def run(scenario: Awaitable[None]) -> None:
    asyncio.run(scenario)  # type: ignore[arg-type]


def test_a_dead_child_is_started_again() -> None:
    async def scenario() -> None:
        service = Service("sleeper", ["sleep", "600"])
        async with supervising(service) as reports:
            first = service.pid
            os.kill(first, signal.SIGKILL)
            await soon(lambda: service.running and service.pid != first)
            assert reports == ["sleeper ended with -9, starts again in 0.2 s"]
        assert gone(first)
        assert gone(service.pid)

    run(scenario())


def test_a_child_that_keeps_dying_is_started_less_and_less_often() -> None:
    async def scenario() -> None:
        service = Service("crasher", ["sh", "-c", "exit 3"])
        async with supervising(service) as reports:
            await soon(lambda: len(reports) == 3)
        assert [report.rpartition(" in ")[2] for report in reports] == ["0.2 s", "0.4 s", "0.8 s"]

    run(scenario())


def test_stopping_ends_children_and_grandchildren_that_ignore_being_asked() -> None:
    lines: list[str] = []
    service = Service("stubborn", [sys.executable, "-c", STUBBORN], write=lines.append)
    service.start()
    assert_soon(lambda: bool(lines))
    service.stop(timeout=0.1)
    pids = [int(pid) for pid in lines[0].split()]
    assert len(pids) == 3
    assert all(map(gone, pids))


def test_what_a_dead_child_has_left_behind_is_ended_before_it_starts_again() -> None:
    lines: list[str] = []

    async def scenario() -> None:
        command = ["sh", "-c", "sleep 600 & echo $!; wait"]
        service = Service("parent", command, write=lines.append)
        async with supervising(service):
            await soon(lambda: len(lines) == 1)
            os.kill(service.pid, signal.SIGKILL)
            await soon(lambda: len(lines) == 2)
            assert gone(int(lines[0]))
        assert gone(int(lines[1]))

    run(scenario())


def test_what_others_rely_on_stops_when_they_have_ended() -> None:
    lines: list[str] = []

    def service(name: str, *, relied_on: bool = False) -> Service:
        script = f"trap 'echo end {name}; exit' TERM; echo up; sleep 600 & wait"
        made = Service(name, ["sh", "-c", script], write=lines.append)
        made.relied_on = relied_on
        return made

    async def scenario() -> None:
        database = service("database", relied_on=True)
        async with supervising(service("web"), database, service("worker")):
            await soon(lambda: lines == ["up"] * 3)

    run(scenario())
    assert lines[-1] == "end database"
    assert set(lines[3:-1]) == {"end web", "end worker"}


def test_one_service_takes_the_place_of_another_and_is_kept_running() -> None:
    async def scenario() -> None:
        old = Service("web", ["sleep", "600"], env={"TURN": "first", "PATH": os.environ["PATH"]})
        new = old.twin(env={"TURN": "second", "PATH": os.environ["PATH"]})
        reports: list[str] = []
        supervisor = Supervisor(report=reports.append)
        supervisor.watch(old)
        new.start()
        await supervisor.replace(old, new)
        assert (old.running, new.running, reports) == (False, True, [])
        second = new.pid
        assert second is not None
        os.kill(second, signal.SIGKILL)
        await soon(lambda: new.running and new.pid != second)
        await supervisor.stop()
        assert not new.running

    run(scenario())


def test_a_killed_postgres_comes_back_on_its_port_with_its_data(state: Path) -> None:
    async def scenario() -> None:
        server = Postgres(state)
        server.prepare()
        async with supervising(server):
            await asyncio.to_thread(server.wait_ready)
            first, port = server.pid, server.port
            query(server.url, "CREATE TABLE kept AS SELECT 7 AS n")
            os.kill(first, signal.SIGKILL)
            await soon(lambda: server.pid != first and server.answers())
            assert server.port == port
            assert query(server.url, "SELECT n FROM kept") == (7,)

    run(scenario())


def test_a_killed_redis_comes_back_on_its_port_with_its_data(state: Path) -> None:
    async def scenario() -> None:
        server = RedisServer(state)
        server.prepare()
        async with supervising(server):
            await asyncio.to_thread(server.wait_ready)
            with Redis.from_url(server.url) as redis:
                redis.incr("kept")
            first = server.pid
            os.kill(first, signal.SIGKILL)
            await soon(lambda: server.pid != first and server.answers())
            with Redis.from_url(server.url) as redis:
                assert redis.get("kept") == b"1"

    run(scenario())


def test_a_child_may_open_as_many_files_as_the_system_allows() -> None:
    script = (
        "import resource, subprocess, sys\n"
        "from signal import SIGTERM\n"
        "from shop.local.processes.parent_death_guard import tethered\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (200, hard))\n"
        "subprocess.run(tethered(['sh', '-c', 'ulimit -Sn'], SIGTERM), check=True)\n"
    )
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    assert int(done.stdout) == most
