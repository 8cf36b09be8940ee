"""The whole product on one machine: the servers, the migrations, and the Procfile's processes."""

import asyncio
import os
import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Self, TextIO

from . import discovery
from .api_keys import Key, ensure_key
from .commands import manage
from .credentials import Credentials
from .errors import CommandFailed, LocalStackError
from .processes.handover import take_over
from .processes.listener import listening
from .processes.logs import LogSink
from .processes.priority import BEHIND, BETWEEN
from .processes.procfile import queues_of, read_profile
from .processes.service import Service
from .processes.starting import wait_until_ready
from .processes.supervisor import Supervisor
from .processes.watchdog import Watchdog, read_lateness
from .servers.embedded import Endpoints, endpoints, locked, missing_servers
from .servers.ports import require_free
from .servers.programs import search_path
from .servers.server import Server
from .web import Web

# Services that a client waits for: for an answer, for stock to be on sale again, for a payment to
# be applied. Beat asks for the last two. Orders taken faster than stock comes back are no gain.
ON_TIME = ("web", "urgent", "settle", "beat")
# An endpoint that answers hears of an event within two seconds, also beside a rush of orders.
NICE = {"notifier": BETWEEN}
SETTLING_SECONDS = 15.0  # for a process that was started again to be at work


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
        keys: Mapping[str, Key] | None = None,
    ) -> None:
        """Run from `state` with `env` over this process's environment; log to `terminal` too.

        Each of `keys` is of a client that is there when the processes start, and in the variable
        that it stands under here.
        """
        self.state = state
        self.env = {**os.environ, **(env or {})}
        self.web = self._address("WEB_ADDRESS", "PORT", 8000)
        self.flower = self._address("FLOWER_ADDRESS", "FLOWER_PORT", 5555)
        self.env["SHOP_STATE_DIR"] = str(state)
        self.env["PATH"] = search_path(self.env)
        self.env["PYTHONUNBUFFERED"] = "1"  # a line of log is seen when it is written
        self.superuser = self.env.get("DJANGO_SUPERUSER_USERNAME") or "admin"
        self.credentials = Credentials(state)
        self._keys = keys or {}
        self.servers: dict[str, Server] = {}
        self.services: dict[str, Service] = {}
        self._processes = read_profile(discovery.REPOSITORY, self.env.get("SHOP_PROFILE", ""))
        self._sink = LogSink(state / "logs", terminal=terminal)
        self._rolling = asyncio.Lock()
        self._exit = AsyncExitStack()

    @property
    def endpoints(self) -> Endpoints:
        """The URLs of the servers in use, embedded or not."""
        return endpoints(self.state, self.servers, self.env)

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as exits:
            exits.enter_context(locked(self.state))
            require_free(self.flower.host, self.flower.port, variable="FLOWER_PORT")
            self._listener = exits.enter_context(listening(self.web, variable="PORT"))
            exits.enter_context(self._sink)
            self._say = self._sink.writer("stack")
            exits.callback(discovery.withdraw, self.state)
            self.supervisor = Supervisor(report=self._say, restarted=self._restarted)
            exits.push_async_callback(self.supervisor.stop)
            await self._start_servers()
            await self._migrate()
            await self._ensure_superuser()
            self._ensure_flower_password()
            await self._make_keys()
            self._start_services()
            await self._wait_for("/healthz")
            await self._wait_for("/readyz")
            for service in self.services.values():
                service.settle()
            # Not before: the start has bounds of its own, and who is started again has failed it.
            exits.push_async_callback(self._end, asyncio.create_task(self._watchdog().run()))
            self._exit = exits.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._say("stopping")
        await self._exit.aclose()

    async def manage(self, *arguments: str, standard_input: str = "") -> str:
        """Run manage.py with `arguments`, return its standard output, or raise CommandFailed."""
        return await manage([*arguments], self.env, standard_input)

    def be_calm(self) -> None:
        """Show no more on the terminal than what the stack has to say, and what went wrong."""
        self._sink.be_calm("stack")

    async def roll_web(self, **env: str) -> bool:
        """Let a new web process, with `env` over the stack's own, take over from the running one.

        Both serve the same socket, so no connection is refused. Returns False where the new one was
        not ready in time, or cannot start at all; the other one serves on then.
        """
        async with self._rolling:
            old = self.services["web"]
            new = old.twin(env={**self._web_env, **env})
            if not await take_over(new, report=self._say):
                return False
            self.services["web"] = new
            await self.supervisor.replace(old, new)
            self._say(f"web is process {new.pid} now, no longer {old.pid}")
        return True

    def _address(self, host: str, port: str, default_port: int) -> Web:
        """Return the address that two variables name, and leave the port set for the processes."""
        self.env[port] = number = self.env.get(port) or str(default_port)
        if not number.isdecimal():
            raise LocalStackError(f"{port}={number} is not a port number")
        return Web(self.env.get(host) or "127.0.0.1", int(number))

    async def _start_servers(self) -> None:
        servers = missing_servers(self.state, self._sink, self.env)
        await asyncio.gather(*(asyncio.to_thread(server.prepare) for server in servers))
        for server in servers:
            self.supervisor.watch(server)
            self.servers[server.name] = server
        await asyncio.gather(*(asyncio.to_thread(server.wait_ready) for server in servers))
        self._publish()

    def _restarted(self, service: Service) -> None:
        self._publish()
        asyncio.get_running_loop().call_later(SETTLING_SECONDS, service.settle)

    def _publish(self) -> None:
        discovery.publish(
            self.state, {name: server.address for name, server in self.servers.items()}
        )

    async def _migrate(self) -> None:
        lines = (await self.manage("migrate", "--no-input")).splitlines()
        if applied := [line for line in lines if "Applying" in line]:
            self._say(f"{len(applied)} migrations applied, the last: {applied[-1].strip()}")

    async def _ensure_superuser(self) -> None:
        """Create the admin's account, with a password of our own making unless one was chosen."""
        chosen = self.env.get("DJANGO_SUPERUSER_PASSWORD")
        kept = self.credentials.get("superuser_password")
        password = chosen or kept or secrets.token_urlsafe(12)
        if not chosen and not kept:
            # Before the account is there: a start that is cut off must not lose the password.
            self.credentials.keep("superuser_password", password)
        account = {
            "DJANGO_SUPERUSER_USERNAME": self.superuser,
            "DJANGO_SUPERUSER_PASSWORD": password,
            "DJANGO_SUPERUSER_EMAIL": self.env.get("DJANGO_SUPERUSER_EMAIL", "admin@example.com"),
        }
        try:
            await manage(["createsuperuser", "--no-input"], {**self.env, **account})
        except CommandFailed as error:
            if "already taken" not in error.output:
                raise
            if not chosen and not kept:
                self.credentials.forget("superuser_password")

    async def _make_keys(self) -> None:
        for variable, key in self._keys.items():
            self.env[variable] = await ensure_key(self, key)

    def _ensure_flower_password(self) -> None:
        """Require the operator's password of Flower, from this machine too."""
        if self.env.get("FLOWER_BASIC_AUTH"):
            return
        if not (password := self.credentials.get("flower_password")):
            password = secrets.token_urlsafe(12)
            self.credentials.keep("flower_password", password)
        self.env["FLOWER_BASIC_AUTH"] = f"{self.superuser}:{password}"

    def _start_services(self) -> None:
        for name, command in self._processes.items():
            self.services[name] = Service(
                name,
                ["/bin/sh", "-c", command],
                env=self.env,
                cwd=discovery.REPOSITORY,
                write=self._sink.writer(name),
            )
            self.services[name].nice = 0 if name in ON_TIME else NICE.get(name, BEHIND)
        web = self.services["web"]
        web.env, web.pass_fds = self._web_env, [self._listener.fileno()]
        for service in self.services.values():
            self.supervisor.watch(service)

    @property
    def _web_env(self) -> dict[str, str]:
        return {**self.env, "WEB_FD": str(self._listener.fileno())}

    def _watchdog(self) -> Watchdog:
        return Watchdog(
            self.supervisor,
            self.services,
            redis_url=lambda: self.endpoints.redis_url,
            report=self._say,
            lateness=partial(read_lateness, self.web),
            workers=queues_of(self._processes),
        )

    async def _end(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        await asyncio.wait([task])

    async def _wait_for(self, path: str) -> None:
        await wait_until_ready(
            self.web, self.services.values(), path=path, died=self._died, say=self._say
        )

    def _died(self) -> Service | None:
        """Return a service that has died, which makes a start a failed one."""
        deaths = self.supervisor.deaths
        return next((each for each in self.services.values() if deaths[each.name]), None)
