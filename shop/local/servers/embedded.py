"""Starts the servers that the environment does not name, for tests and for single commands."""

import fcntl
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from shop.local import discovery
from shop.local.errors import LocalStackError, StateInUse
from shop.local.processes.logs import LogSink

from .account import remove_state
from .postgres import Postgres
from .redis_server import RedisServer
from .server import Server


@dataclass(frozen=True)
class Endpoints:
    """Where the servers are reached; `redis_url` names a database, 0 for an embedded server."""

    database_url: str
    redis_url: str


@contextmanager
def embedded_servers(
    state: Path, *, postgres: bool = True, redis: bool = True
) -> Iterator[Endpoints]:
    """Start what the environment does not provide, yield the URLs, and stop it all.

    Data and logs stay in `state`; `temporary_state` makes one that is thrown away. Stay in the
    thread that entered: on Linux its end is the servers' end. Raises a LocalStackError.
    """
    with ExitStack() as stack:
        stack.enter_context(locked(state))
        sink = stack.enter_context(LogSink(state / "logs"))
        servers = {
            server.name: server
            for server in missing_servers(state, sink, os.environ)
            if {"postgres": postgres, "redis": redis}[server.name]
        }
        prepare(list(servers.values()))
        for server in servers.values():
            stack.callback(server.stop)
            server.start()
        for server in servers.values():
            server.wait_ready()
        yield endpoints(state, servers, os.environ)


@contextmanager
def temporary_state() -> Iterator[Path]:
    """Yield a fresh state folder, and remove it with all data that the servers kept elsewhere."""
    state = Path(tempfile.mkdtemp(prefix="shop-"))
    state.chmod(0o711)  # PostgreSQL's user has to pass through, where that is not our own
    try:
        yield state
    finally:
        remove_state(state)


@contextmanager
def locked(state: Path) -> Iterator[None]:
    """Hold the lock of `state`, which ends with this process; raise StateInUse if it is held."""
    try:
        (state / "run").mkdir(parents=True, exist_ok=True)
        file = (state / "run" / "lock").open("a+")
    except OSError as error:
        raise LocalStackError(f"cannot write to {state}: {error}; set SHOP_STATE_DIR") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise StateInUse(state, file.read().strip()) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def missing_servers(state: Path, sink: LogSink, env: Mapping[str, str]) -> list[Server]:
    """Return the servers that `env` does not name, and that have to be started therefore."""
    servers: list[Server] = []
    if not env.get("DATABASE_URL"):
        servers.append(Postgres(state, write=sink.writer("postgres")))
    if not env.get("REDIS_URL"):
        servers.append(RedisServer(state, write=sink.writer("redis")))
    return servers


def prepare(servers: Sequence[Server]) -> None:
    """Prepare all servers at the same time."""
    with ThreadPoolExecutor() as pool:
        for prepared in [pool.submit(server.prepare) for server in servers]:
            prepared.result()


def endpoints(state: Path, servers: Mapping[str, Server], env: Mapping[str, str]) -> Endpoints:
    """Return the URLs of the started `servers`, and for the rest those of `env`."""
    database = env.get("DATABASE_URL") or discovery.database_url(state)
    redis = env.get("REDIS_URL") or discovery.redis_url(state, db=0)
    return Endpoints(
        database_url=servers["postgres"].url if "postgres" in servers else database,
        redis_url=servers["redis"].url if "redis" in servers else redis,
    )
