"""Starts a peer's processes, waits until they answer, and leaves none behind."""

import asyncio
import os
import secrets
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from importlib.util import find_spec
from pathlib import Path

from bench.contestant import Servers
from shop.local.discovery import REPOSITORY
from shop.local.errors import ServerFailed
from shop.local.processes.logs import LogSink
from shop.local.processes.service import Service
from shop.local.servers.ports import kept_port
from shop.local.servers.server import HOST, READY_SECONDS
from shop.local.web import Web

RESERVE = Path(__file__).with_name("reserve.lua")
CHECK_SECONDS = 0.02


def missing_packages(**packages: str) -> str | None:
    """Return what is missing of the modules that `packages` names, module by module, or None."""
    missing = [title for module, title in packages.items() if find_spec(module) is None]
    return f"needs {' and '.join(missing)}: make bench installs it" if missing else None


def own_web(servers: Servers, name: str) -> Web:
    """Return an address for the peer's web process on a free port."""
    return Web(HOST, kept_port(servers.state, name))


def new_api_key() -> str:
    """Return a key that nobody else knows, as long as the product's."""
    return secrets.token_urlsafe(32)


def settings(**values: str) -> dict[str, str]:
    """Return this process's environment with `values` as the PEER_ settings that peers read."""
    peer = {f"PEER_{name.upper()}": value for name, value in values.items()}
    return {**os.environ, "PYTHONUNBUFFERED": "1", **peer}


def uvicorn(application: str, web: Web, *, processes: int) -> list[str]:
    """Return the command that serves an ASGI application as fast as uvicorn can."""
    options = (
        f"--host {web.host} --port {web.port} --workers {processes} --loop uvloop --http httptools "
        "--lifespan off --no-access-log --no-server-header --log-level warning"
    )
    return [sys.executable, "-m", "uvicorn", application, *options.split()]


@asynccontextmanager
async def serving(
    commands: Mapping[str, Sequence[str]], *, name: str, state: Path, env: Mapping[str, str]
) -> AsyncIterator[dict[str, Service]]:
    """Run the commands as services with logs in `state`; stop them, the last one first."""
    async with AsyncExitStack() as exits:
        sink = exits.enter_context(LogSink(state / "logs"))
        services = {}
        for part, command in commands.items():
            title = f"{name}-{part}"
            services[part] = service = Service(
                title, command, env=env, cwd=REPOSITORY, write=sink.writer(title)
            )
            exits.push_async_callback(asyncio.to_thread, service.stop)
            service.start()
        yield services


async def until_answered(web: Web, service: Service) -> None:
    """Return once `web` answers /healthz with 200; raise ServerFailed if it does not in time."""

    async def answers() -> bool:
        return (await web.get("/healthz")).status == 200

    await until_ready(service, answers)


async def until_ready(service: Service, ready: Callable[[], Awaitable[bool]]) -> None:
    """Return once `ready()` holds; raise ServerFailed if `service` ends or takes too long."""
    clock = asyncio.get_running_loop().time
    deadline = clock() + READY_SECONDS
    while not await ready():
        if not service.running:
            raise ServerFailed(
                service.name, f"ended with {service.exit_code}", service.last_lines()
            )
        if clock() > deadline:
            reason = f"was not ready within {READY_SECONDS:g} s"
            raise ServerFailed(service.name, reason, service.last_lines())
        await asyncio.sleep(CHECK_SECONDS)
