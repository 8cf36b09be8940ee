"""Runs the bare reply; its orders are counted, and that is all that is known of them."""

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from bench.contestant import Running, Servers
from bench.peers.running import RunningPeer
from bench.peers.serving import new_api_key, own_web, serving, settings, until_answered, uvicorn

COUNT_BYTES = 8


@dataclass
class AnswerCounts:
    """The counts that the processes keep in `folder`; a sale's begins when it is offered."""

    folder: Path
    before: dict[str, int] = field(default_factory=dict)

    async def offer(self, sale: str, sku: str, units: int) -> None:
        """Count for `sale` from now on; there is no stock to run out of."""
        self.before[sale] = self.answered()

    async def accepted(self, sale: str) -> int:
        """Return how many answers were given since the sale was offered."""
        return self.answered() - self.before[sale]

    def answered(self) -> int:
        """Return how many answers all processes have given."""
        counts = (file.read_bytes()[:COUNT_BYTES] for file in self.folder.iterdir())
        return sum(int.from_bytes(count, "little") for count in counts)


class Bare:
    """An ASGI reply under uvicorn: what everything else is compared with."""

    name = "bare"

    def missing(self) -> str | None:
        """Return None: it needs nothing that the product does not."""
        return None

    @asynccontextmanager
    async def running(self, servers: Servers, *, processes: int = 1) -> AsyncIterator[Running]:
        """Serve the reply with so many processes."""
        web, counts = own_web(servers, self.name), fresh_folder(servers.state / "bare-counts")
        commands = {"web": uvicorn("bench.peers.bare.app:app", web, processes=processes)}
        env = settings(counts=str(counts))
        async with serving(commands, name=self.name, state=servers.state, env=env) as services:
            await until_answered(web, services["web"])
            yield RunningPeer(web.url, new_api_key(), AnswerCounts(counts), services)


def fresh_folder(path: Path) -> Path:
    """Return `path` as an empty folder."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path
