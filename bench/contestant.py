"""The interface of everything that the benchmark measures: the product, its peers, the limit."""

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Servers:
    """The surroundings of every contestant: the same servers, and a folder of its own."""

    redis_url: str  # redis://127.0.0.1:PORT/0, with appendfsync always
    database_url: str  # postgres://…, of a user who may create databases
    state: Path


class Running(Protocol):
    """A contestant whose processes run and answer on `url`."""

    @property
    def url(self) -> str:
        """The root of its site, without a slash at the end."""

    @property
    def api_key(self) -> str:
        """The bearer token that its orders are sent with."""

    def pids(self) -> dict[str, int]:
        """Return the head process of each of its services; they may have children."""

    async def offer(self, sale: str, sku: str, units: int) -> None:
        """Open a new sale of one SKU, with so many units in stock."""

    async def accepted(self, sale: str) -> int:
        """Return how many orders of the sale its store knows to be accepted."""

    async def persisted(self, sale: str) -> int | None:
        """Return how many orders of the sale are in PostgreSQL; None where none ever will be."""

    async def pause_workers(self) -> None:
        """Freeze what persists; nothing to do where nothing does."""

    async def resume_workers(self) -> None:
        """Let what persists go on."""


class Contestant(Protocol):
    """Something that takes the product's orders over HTTP."""

    @property
    def name(self) -> str:
        """Its name in tables and files."""

    def missing(self) -> str | None:
        """Return in one sentence why it cannot run here, or None."""

    def running(
        self, servers: Servers, *, processes: int = 1
    ) -> AbstractAsyncContextManager[Running]:
        """Run it with so many web processes inside the context, and leave nothing after it.

        Raises a LocalStackError where it cannot be built, or does not answer in time.
        """
