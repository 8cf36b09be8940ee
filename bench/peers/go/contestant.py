"""Builds the Go program from Debian's packages, without a network, and runs it."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.contestant import Running, Servers
from bench.peers.commands import run_command
from bench.peers.running import RunningPeer
from bench.peers.serving import (
    RESERVE,
    new_api_key,
    own_web,
    serving,
    settings,
    until_answered,
)
from bench.peers.stock import redis_stock

SOURCE = Path(__file__).parent
GOPATH = Path("/usr/share/gocode")
PACKAGES = {
    "github.com/gin-gonic/gin": "golang-github-gin-gonic-gin-dev",
    "github.com/gomodule/redigo/redis": "golang-github-gomodule-redigo-dev",
}
BUILD_SECONDS = 300.0  # the first build compiles gin and the standard library


class Go:
    """gin and redigo; one process that uses every core, whatever number is asked for."""

    name = "go"

    def missing(self) -> str | None:
        """Return which Debian packages are missing, or None."""
        missing = [] if shutil.which("go") else ["golang-go"]
        missing += [
            package for path, package in PACKAGES.items() if not (GOPATH / "src" / path).is_dir()
        ]
        return f"needs Debian's {', '.join(missing)}" if missing else None

    @asynccontextmanager
    async def running(self, servers: Servers, *, processes: int = 1) -> AsyncIterator[Running]:
        """Build the program into the state folder and run it."""
        program = await build(servers.state / "go-peer")
        web, api_key, prefix = own_web(servers, self.name), new_api_key(), f"peer:{self.name}"
        env = settings(
            address=f"{web.host}:{web.port}",
            redis_url=servers.redis_url,
            prefix=prefix,
            api_key=api_key,
            script=str(RESERVE),
        )
        async with (
            redis_stock(servers.redis_url, prefix) as stock,
            serving(
                {"web": [str(program)]}, name=self.name, state=servers.state, env=env
            ) as services,
        ):
            await until_answered(web, services["web"])
            yield RunningPeer(web.url, api_key, stock, services)


async def build(program: Path) -> Path:
    """Compile the source to `program` and return it; raise ServerFailed with the compiler's words.

    Go keeps what it has compiled in its own cache, outside the checkout.
    """
    await run_command(
        "go build",
        *("go", "build", "-o", str(program), "."),
        cwd=SOURCE,
        env={**os.environ, "GO111MODULE": "off", "GOPATH": str(GOPATH), "GOFLAGS": ""},
        seconds=BUILD_SECONDS,
    )
    return program
