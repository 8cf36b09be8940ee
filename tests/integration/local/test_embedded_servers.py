"""The embedded servers start from nothing, keep what they were given, and leave nothing behind."""

import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg2
import pytest
from redis import Redis

from shop.local.errors import ServerFailed, StateInUse
from shop.local.servers.account import ELSEWHERE, UNPRIVILEGED, as_user, may_execute, remove_state
from shop.local.servers.embedded import embedded_servers
from shop.local.servers.postgres import Postgres
from shop.local.servers.redis_server import RedisServer

from .conftest import REPOSITORY, assert_soon, gone

# Prints the ids of both servers, then stays until its standard input ends.
MANAGER = """
import json, sys
from pathlib import Path
from shop.local.servers.embedded import embedded_servers

state = Path(sys.argv[1])
with embedded_servers(state):
    files = [*state.glob("*/postmaster.pid"), *state.glob("*/server.pid")]
    print(json.dumps([int(file.read_text().split()[0]) for file in files]), flush=True)
    sys.stdin.read()
"""


def query(database_url: str, statement: str) -> tuple[object, ...]:
    """Return the first row of the answer, or an empty one."""
    with closing(psycopg2.connect(database_url)) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return tuple(cursor.fetchone() or ()) if cursor.description else ()


def test_servers_from_zero_answer_real_queries(state: Path) -> None:
    with embedded_servers(state) as servers:
        facts = "SELECT current_user, current_database(), upper('é'), inet_server_addr()::text"
        assert query(servers.database_url, facts) == ("shop", "shop", "É", "127.0.0.1/32")
        with Redis.from_url(servers.redis_url) as redis:
            assert redis.eval("return redis.call('XADD', KEYS[1], '*', 'a', 'b')", 1, "stream")


def test_the_redis_server_promises_what_the_orders_need(state: Path) -> None:
    with (
        embedded_servers(state, postgres=False) as servers,
        Redis.from_url(servers.redis_url, decode_responses=True) as redis,
    ):
        promises = {"appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"}
        assert redis.config_get(*promises) == promises


def test_data_and_ports_are_the_same_after_a_restart(state: Path) -> None:
    with embedded_servers(state) as first, Redis.from_url(first.redis_url) as redis:
        query(first.database_url, "CREATE TABLE kept (n int)")
        redis.set("kept", "yes")
    with embedded_servers(state) as second, Redis.from_url(second.redis_url) as redis:
        assert second == first
        assert query(second.database_url, "SELECT count(*) FROM kept") == (0,)
        assert redis.get("kept") == b"yes"


def test_a_server_whose_port_was_taken_meanwhile_moves_with_its_data(state: Path) -> None:
    with embedded_servers(state, postgres=False) as first, Redis.from_url(first.redis_url) as redis:
        redis.set("kept", "yes")
    with (
        socket.create_server(("127.0.0.1", urlsplit(first.redis_url).port or 0)),
        embedded_servers(state, postgres=False) as second,
        Redis.from_url(second.redis_url) as redis,
    ):
        assert second.redis_url != first.redis_url
        assert redis.get("kept") == b"yes"


def test_engines_do_not_share_data(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = RedisServer(state)
    server.prepare()
    imposter = state / "redis-server"
    imposter.write_text("#!/bin/sh\necho 'Redis server v=7.4.1 sha=00000000'\n")
    imposter.chmod(0o755)
    monkeypatch.setenv("SHOP_REDIS_SERVER", str(imposter))
    other = RedisServer(state)
    other.prepare()
    assert str(state / "redis-7") in other.command
    assert str(state / "redis-7") not in server.command


def test_urls_in_the_environment_mean_that_no_server_is_started(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/shop")
    monkeypatch.setenv("REDIS_URL", "redis://elsewhere/3")
    with embedded_servers(state) as servers:
        assert servers.database_url == "postgresql://elsewhere/shop"
        assert servers.redis_url == "redis://elsewhere/3"
    assert sorted(path.name for path in state.iterdir()) == ["logs", "run"]


def test_a_second_stack_on_the_same_state_is_refused_and_does_no_harm(state: Path) -> None:
    with (
        embedded_servers(state, postgres=False) as servers,
        Redis.from_url(servers.redis_url) as redis,
    ):
        with pytest.raises(StateInUse, match=f"pid {os.getpid()}"), embedded_servers(state):
            pass
        assert redis.ping()


def test_a_server_that_cannot_start_says_why(state: Path) -> None:
    server = RedisServer(state, settings={"appendfsync": "sometimes"})
    server.prepare()
    server.start()
    with pytest.raises(ServerFailed, match="appendfsync"):
        server.wait_ready()
    server.stop()


def test_settings_of_a_caller_go_before_ours(state: Path) -> None:
    server = Postgres(state, settings={"max_connections": "23"})
    server.prepare()
    server.start()
    try:
        server.wait_ready()
        assert query(server.url, "SHOW max_connections") == ("23",)
    finally:
        server.stop()


def test_servers_do_not_outlive_a_killed_manager(state: Path, launch) -> None:
    if sys.platform != "linux":
        pytest.skip("elsewhere the next start ends them: see below")
    manager = launch("-c", MANAGER, str(state))
    servers = json.loads(manager.stdout.readline())
    assert len(servers) == 2
    manager.kill()
    for pid in servers:
        assert_soon(lambda pid=pid: gone(pid))


def test_what_a_killed_manager_left_running_is_ended_by_the_next_start(state: Path) -> None:
    left = RedisServer(state)
    left.prepare()
    process = subprocess.Popen(left.command, stdout=subprocess.DEVNULL)
    try:
        assert_soon(left.answers)
        with embedded_servers(state, postgres=False) as servers:
            assert process.wait(timeout=30) == 0
            assert servers.redis_url == left.url
    finally:
        process.kill()
        process.wait()


def test_a_stranger_with_the_process_id_of_an_old_server_does_no_harm(state: Path) -> None:
    with embedded_servers(state, redis=False):
        cluster = next(state.glob("postgres-*"))
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    stranger = subprocess.Popen(["sleep", "600"])
    try:
        # As after a reboot: the file is there, and its process id belongs to somebody else.
        (cluster / "postmaster.pid").write_text("\n".join([str(stranger.pid), *lines[1:]]))
        with embedded_servers(state, redis=False) as servers:
            assert query(servers.database_url, "SELECT 1") == (1,)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_root_keeps_the_data_where_the_servers_user_can_reach_it(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root starts PostgreSQL as another user")
    state = tmp_path / "closed"
    state.mkdir(mode=0o700)
    before = state.stat().st_mode
    with embedded_servers(state, redis=False) as servers:
        assert query(servers.database_url, "SELECT 1") == (1,)
        owner = next((state / ELSEWHERE).glob("postgres-*")).stat().st_uid
    assert owner == UNPRIVILEGED
    assert state.stat().st_mode == before
    outside = (state / ELSEWHERE).resolve()
    remove_state(state)
    assert not outside.exists()


def test_an_ordinary_user_can_run_the_servers(state: Path) -> None:
    uid = UNPRIVILEGED if os.geteuid() == 0 else None
    if uid is not None:
        os.chown(state, uid, uid)
    result = subprocess.run(
        [python_for(uid), "-c", MANAGER, str(state)],
        **as_user(uid),
        cwd=REPOSITORY,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(["", *sys.path])},
        input="",
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    for pid in json.loads(result.stdout):
        assert not psutil.pid_exists(pid)


def python_for(uid: int | None) -> str:
    """Return a Python that `uid` may run; root's own may lie in root's home.

    It is of our version to the last number, as what is installed for it is.
    """
    system = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    for python in (Path(sys.executable), system):
        if (uid is None or may_execute(python, uid)) and _version(python) == sys.version_info[:3]:
            return str(python)
    pytest.skip("no Python here that an ordinary user may run")


def _version(python: Path) -> tuple[int, ...]:
    ask = [str(python), "-c", "import sys; print(*sys.version_info[:3])"]
    try:
        return tuple(map(int, subprocess.check_output(ask, text=True).split()))
    except OSError:
        return ()
