"""The whole product on one machine: the servers, the migrations, and the Procfile's processes."""

import asyncio
import os
import secrets
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping
from contextlib import AsyncExitStack
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from signal import Signals
from typing import NamedTuple, Self, TextIO

from shop.local import discovery
from shop.local.credentials import Credentials
from shop.local.embedded import Endpoints, endpoints, locked, missing_servers
from shop.local.errors import CommandFailed, ServerFailed
from shop.local.logs import LogSink
from shop.local.ports import require_free
from shop.local.procfile import read_procfile
from shop.local.programs import search_path
from shop.local.server import Server
from shop.local.service import Service
from shop.local.supervisor import Supervisor
from shop.local.tether import tethered

COMMAND_SECONDS = 120.0
READY_SECONDS = 30.0
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - to connect to, not to bind


class Reply(NamedTuple):
    """What the web process answered; status 0 where it did not answer."""

    status: int
    text: str


class Stack:
    """`async with Stack(state) as stack:` has everything running inside and nothing after it.

    Enter and leave in the same thread; see `Service.start` for why. Entering raises a
    LocalStackError, after everything that was started has been stopped again.
    """

    def __init__(
        self,
        state: Path,
        *,
        env: Mapping[str, str] | None = None,
        terminal: TextIO | None = None,
        procfile: Path = discovery.REPOSITORY / "Procfile",
    ) -> None:
        """Run from `state` with `env` over this process's environment; log to `terminal` too."""
        self.state = state
        self.env = {**os.environ, **(env or {}), "SHOP_STATE_DIR": str(state)}
        self.host = self.env.get("HOST") or "127.0.0.1"
        self.port = int(self.env.setdefault("PORT", "8000"))
        self.flower_host = self.env.get("FLOWER_ADDRESS") or "127.0.0.1"
        self.flower_port = int(self.env.setdefault("FLOWER_PORT", "5555"))
        self.env["PATH"] = search_path(self.env)
        self.env["PYTHONUNBUFFERED"] = "1"  # a line of log is seen when it is written
        self.credentials = Credentials(state)
        self.servers: dict[str, Server] = {}
        self.services: dict[str, Service] = {}
        self._commands = read_procfile(procfile)
        self._sink = LogSink(state / "logs", terminal=terminal)
        self._exit = AsyncExitStack()

    @property
    def web_url(self) -> str:
        """The root of the site, without a slash at the end."""
        return _url(self.host, self.port)

    @property
    def flower_url(self) -> str:
        """Where Flower shows the workers."""
        return _url(self.flower_host, self.flower_port)

    @property
    def endpoints(self) -> Endpoints:
        """The URLs of the servers in use, embedded or not."""
        return endpoints(self.state, self.servers, self.env)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            stack.enter_context(locked(self.state))
            require_free(self.host, self.port, variable="PORT")
            require_free(self.flower_host, self.flower_port, variable="FLOWER_PORT")
            stack.enter_context(self._sink)
            self._say = self._sink.writer("stack")
            stack.callback(discovery.withdraw, self.state)
            self.supervisor = Supervisor(notice=self._say, restarted=lambda _: self._publish())
            stack.push_async_callback(self.supervisor.stop)
            await self._start_servers()
            await self._migrate()
            await self._ensure_superuser()
            self._start_services()
            await self._wait_for("/healthz")
            await self._wait_for("/readyz")
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._say("stopping")
        await self._exit.aclose()

    async def manage(self, *arguments: str, **env: str) -> str:
        """Run manage.py with `arguments`, return its standard output, or raise CommandFailed."""
        command = [sys.executable, "manage.py", *arguments]
        process = await asyncio.create_subprocess_exec(
            *tethered(command, death_signal=Signals.SIGTERM, uid=None),
            cwd=discovery.REPOSITORY,
            env={**self.env, **env},
            stdin=DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
            start_new_session=True,
        )
        try:
            output, errors = await asyncio.wait_for(process.communicate(), COMMAND_SECONDS)
        except TimeoutError as error:
            raise CommandFailed(arguments[0], f"no end after {COMMAND_SECONDS:g} s") from error
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        if process.returncode:
            raise CommandFailed(arguments[0], (output + errors).decode(errors="replace"))
        return output.decode()

    async def get(self, path: str, **headers: str) -> Reply:
        """Return the web process's answer to GET `path`."""
        return await asyncio.to_thread(self._get, path, headers)

    def _get(self, path: str, headers: Mapping[str, str]) -> Reply:
        # Not urllib: it would send a request for this machine through a proxy.
        connection = HTTPConnection(EVERYWHERE.get(self.host, self.host), self.port, timeout=5)
        try:
            connection.request("GET", path, headers=dict(headers))
            response = connection.getresponse()
            return Reply(response.status, response.read().decode(errors="replace"))
        except (OSError, HTTPException):
            return Reply(0, "no answer")
        finally:
            connection.close()

    async def _start_servers(self) -> None:
        servers = missing_servers(self.state, self._sink, self.env)
        await asyncio.gather(*(asyncio.to_thread(server.prepare) for server in servers))
        for server in servers:
            self.supervisor.watch(server)
            self.servers[server.name] = server
        await asyncio.gather(*(asyncio.to_thread(server.wait_ready) for server in servers))
        self._publish()

    def _publish(self) -> None:
        discovery.publish(
            self.state, {name: server.address for name, server in self.servers.items()}
        )

    async def _migrate(self) -> None:
        for line in (await self.manage("migrate", "--no-input")).splitlines():
            if "Applying" in line:
                self._say(line.strip())

    async def _ensure_superuser(self) -> None:
        """Create the admin's account, with a password of our own making unless one was chosen."""
        chosen = self.env.get("DJANGO_SUPERUSER_PASSWORD")
        password = chosen or self.credentials.get("superuser_password") or secrets.token_urlsafe(12)
        account = {
            "DJANGO_SUPERUSER_USERNAME": self.superuser,
            "DJANGO_SUPERUSER_PASSWORD": password,
            "DJANGO_SUPERUSER_EMAIL": self.env.get("DJANGO_SUPERUSER_EMAIL", "admin@example.com"),
        }
        try:
            await self.manage("createsuperuser", "--no-input", **account)
        except CommandFailed as error:
            if "already taken" not in error.output:
                raise
        else:
            if not chosen:
                self.credentials.keep("superuser_password", password)

    @property
    def superuser(self) -> str:
        """The name of the admin's account."""
        return self.env.get("DJANGO_SUPERUSER_USERNAME") or "admin"

    def _start_services(self) -> None:
        for name, command in self._commands.items():
            self.services[name] = Service(
                name,
                ["/bin/sh", "-c", command],
                env=self.env,
                cwd=discovery.REPOSITORY,
                write=self._sink.writer(name),
            )
            self.supervisor.watch(self.services[name])

    async def _wait_for(self, path: str) -> None:
        """Return when web answers `path` with 200; whatever dies meanwhile is a failed start."""
        clock = asyncio.get_running_loop().time
        deadline = clock() + READY_SECONDS
        while (reply := await self.get(path)).status != 200:
            for service in self.services.values():
                if self.supervisor.deaths[service.name]:
                    raise ServerFailed(service.name, "ended during the start", service.tail)
            if clock() > deadline:
                reason = f"did not answer {path} with 200 within {READY_SECONDS:g} s"
                raise ServerFailed("web", reason, [f"{reply.status} {reply.text}"])
            await asyncio.sleep(0.1)


def _url(host: str, port: int) -> str:
    reachable = EVERYWHERE.get(host, host)
    return f"http://[{reachable}]:{port}" if ":" in reachable else f"http://{reachable}:{port}"
