"""Around the stack: what it refuses, what it publishes, and the commands that it runs."""

import asyncio
import json
import os
import signal
import socket
import stat
import sys
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from orders import task_names
from shop.core.tasks.dispatch import TaskName
from shop.local import discovery, flower
from shop.local import stack as stack_module
from shop.local.credentials import Credentials
from shop.local.errors import CommandFailed, LocalStackError, PortTaken, StateInUse
from shop.local.processes.procfile import queues_of, read_procfile, read_profile
from shop.local.processes.service import Service
from shop.local.processes.supervisor import Supervisor
from shop.local.processes.watchdog import DUTIES, WORKERS
from shop.local.servers.embedded import locked
from shop.local.stack import Stack

from .conftest import REPOSITORY, assert_soon, gone

# Stands where the web process stands; it cannot start where it is told so.
WEB = """
import os, signal, socket, sys

if os.environ.get("BROKEN"):
    sys.exit("cannot start")
if address := os.environ.get("NOTIFY_SOCKET"):
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b"READY=1", address)
signal.pause()
"""


async def enter(stack: Stack) -> None:
    async with stack:
        pass


@pytest.mark.parametrize("variable", ["PORT", "FLOWER_PORT"])
def test_a_taken_port_is_found_before_anything_starts(tmp_path: Path, variable: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, socket.create_server(("", 0)) as spare:
        port = taken.getsockname()[1]
        ports = {"PORT": str(spare.getsockname()[1]), "FLOWER_PORT": "1", variable: str(port)}
        spare.close()
        with pytest.raises(PortTaken, match=f"port {port} is taken .*; set {variable} to") as error:
            asyncio.run(enter(Stack(tmp_path, env=ports)))
        assert error.value.pid in (os.getpid(), None)
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_port_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LocalStackError, match="PORT=http is not a port number"):
        Stack(tmp_path, env={"PORT": "http"})


def test_a_process_that_cannot_start_leaves_the_one_before_it_serving(tmp_path: Path) -> None:
    async def scenario() -> None:
        stack, reports = Stack(tmp_path), list[str]()
        stack._say = reports.append
        stack._listener = socket.create_server(("127.0.0.1", 0))
        stack.supervisor = Supervisor(report=reports.append)
        stack.services["web"] = first = Service("web", [sys.executable, "-c", WEB])
        stack.supervisor.watch(first)
        try:
            assert not await stack.roll_web(BROKEN="yes")
            assert (stack.services["web"], first.running) == (first, True)
            assert reports == ["the new web ended with 1; the other one goes on"]
            assert await stack.roll_web()
            second = stack.services["web"]
            assert (first.running, second.running, second.pid != first.pid) == (False, True, True)
        finally:
            await stack.supervisor.stop()
            stack._listener.close()
        assert not second.running

    asyncio.run(scenario())


def superuser_created_by(stack: Stack, end: BaseException | None) -> str | None:
    """Create the superuser with a command that ends so; return the password kept afterwards."""

    async def manage(*_: object) -> str:
        if end is not None:
            raise end
        return ""

    with pytest.MonkeyPatch.context() as patch, suppress(asyncio.CancelledError):
        patch.setattr(stack_module, "manage", manage)
        asyncio.run(stack._ensure_superuser())
    return stack.credentials.get("superuser_password")


def test_a_start_that_is_cut_off_does_not_lose_the_admins_password(tmp_path: Path) -> None:
    stack = Stack(tmp_path, env={})
    password = superuser_created_by(stack, asyncio.CancelledError())
    assert password
    assert superuser_created_by(stack, None) == password
    taken = CommandFailed("createsuperuser", "Error: That username is already taken.")
    assert superuser_created_by(stack, taken) == password


def test_the_password_of_somebody_elses_account_is_not_made_up(tmp_path: Path) -> None:
    taken = CommandFailed("createsuperuser", "Error: That username is already taken.")
    assert superuser_created_by(Stack(tmp_path, env={}), taken) is None


def test_a_second_stack_on_the_same_state_is_refused(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(StateInUse, match="SHOP_STATE_DIR"):
        asyncio.run(enter(Stack(tmp_path)))


def test_the_procfile_names_every_process() -> None:
    processes = read_procfile(REPOSITORY / "Procfile")
    assert list(processes) == [
        "web",
        "worker",
        "urgent",
        "settle",
        "upkeep",
        "notifier",
        "beat",
        "flower",
    ]
    # Without exec the shell would stay in between, and signals would end there.
    assert all(command.startswith("exec python -m ") for command in processes.values())


def test_the_small_profile_reads_every_queue_and_keeps_what_is_urgent_apart() -> None:
    full, small = (read_profile(REPOSITORY, name) for name in ("full", "small"))
    assert {name: small[name] for name in ("web", "beat")} == {
        name: full[name] for name in ("web", "beat")
    }
    assert all(command.startswith("exec python -m ") for command in small.values())
    named = {each.queue for each in vars(task_names).values() if isinstance(each, TaskName)}
    for processes in (full, small):
        read = [queue for queues in queues_of(processes).values() for queue in queues]
        assert sorted(read) == sorted(named | set(task_names.PULSES)), "each by one worker"
    for queues in queues_of(small).values():
        assert {"urgent", "settle"}.isdisjoint(queues) or {"urgent", "settle"} == set(queues)
    assert set(DUTIES.values()) <= named
    assert queues_of(full) == WORKERS


def test_comments_and_blank_lines_of_a_procfile_are_no_processes(tmp_path: Path) -> None:
    (tmp_path / "Procfile").write_text("# all\n\nweb: exec serve --bind a:1\nnight-job:  run\n")
    processes = read_procfile(tmp_path / "Procfile")
    assert processes == {"web": "exec serve --bind a:1", "night-job": "run"}


def test_where_no_stack_runs_the_urls_lead_nowhere_and_fail_at_once(tmp_path: Path) -> None:
    urls = [discovery.database_url(tmp_path), discovery.redis_url(tmp_path, db=1)]
    for url in map(urlsplit, urls):
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((url.hostname, url.port), timeout=5)


def test_a_running_stack_is_found_by_its_state(tmp_path: Path) -> None:
    here = {"host": "127.0.0.1", "port": 20001, "pid": 7}
    discovery.publish(tmp_path, {"postgres": here, "redis": {**here, "port": 20002}})
    assert discovery.database_url(tmp_path) == "postgresql://shop@127.0.0.1:20001/shop"
    assert discovery.redis_url(tmp_path, db=1) == "redis://127.0.0.1:20002/1"
    discovery.withdraw(tmp_path)
    assert discovery.redis_url(tmp_path, db=1) == "redis://127.0.0.1:1/1"


def test_credentials_are_kept_for_their_owner_only(tmp_path: Path) -> None:
    credentials = Credentials(tmp_path)
    assert credentials.get("demo_api_key") is None
    credentials.keep("demo_api_key", "secret")
    credentials.keep("superuser_password", "word")
    assert Credentials(tmp_path).get("demo_api_key") == "secret"
    assert stat.S_IMODE((tmp_path / "credentials.json").stat().st_mode) == 0o600


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "10.0.0.5", "shop.example.com"])
def test_flower_is_not_shown_to_the_network_without_a_password(address: str) -> None:
    with pytest.raises(SystemExit, match="FLOWER_BASIC_AUTH"):
        flower.main({"FLOWER_ADDRESS": address})


@pytest.mark.parametrize(
    "environ",
    [{}, {"FLOWER_ADDRESS": "::1"}, {"FLOWER_ADDRESS": "0.0.0.0", "FLOWER_BASIC_AUTH": "a:b"}],
)
def test_flower_starts_on_this_machine_or_with_a_password(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [])
    monkeypatch.setattr(flower, "celery", lambda: None)
    flower.main({**environ, "FLOWER_PORT": "5600"})
    address = environ.get("FLOWER_ADDRESS", "127.0.0.1")
    assert {f"--address={address}", "--port=5600"} <= set(sys.argv)


def test_run_gives_a_command_the_servers_and_returns_its_exit_code(launch) -> None:
    script = "echo $DATABASE_URL $REDIS_URL $SHOP_STATE_DIR; exit 7"
    output, _ = (
        process := launch("-m", "shop.local", "run", "--", "sh", "-c", script)
    ).communicate()
    assert process.returncode == 7
    database, redis, state = output.split()
    assert database.startswith("postgresql://shop@127.0.0.1:")
    assert redis.startswith("redis://127.0.0.1:")
    assert not Path(state).exists()


def test_run_passes_a_signal_on_and_stops_its_servers(launch) -> None:
    script = "echo $(cat $SHOP_STATE_DIR/*/*.pid | head -1) $SHOP_STATE_DIR; exec sleep 600"
    process = launch("-m", "shop.local", "run", "--", "sh", "-c", script)
    pid, state = process.stdout.readline().split()
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=60) == 128 + signal.SIGTERM
    assert_soon(lambda: gone(int(pid)))
    assert not Path(state).exists()


def test_the_published_servers_are_plain_json(tmp_path: Path) -> None:
    discovery.publish(tmp_path, {"redis": {"host": "127.0.0.1", "port": 20002, "pid": 7}})
    published = json.loads((tmp_path / "run" / "servers.json").read_text())
    assert published == {"redis": {"host": "127.0.0.1", "port": 20002, "pid": 7}}
