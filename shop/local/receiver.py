"""A webhook receiver on this machine, for those who want to see what the product tells."""

import secrets
from abc import ABC, abstractmethod
from typing import Self

from aiohttp import web

HOST = "127.0.0.1"


class Receiver(ABC):
    """Listens on a free port of the loopback inside an `async with`."""

    def __init__(self) -> None:
        app = web.Application()
        # Its own: a port may come again, and no two webhooks of the shop go to one URL.
        self._path = f"/webhooks/{secrets.token_hex(4)}"
        app.router.add_post(self._path, self.receive)
        self._runner = web.AppRunner(app, access_log=None)

    async def __aenter__(self) -> Self:
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, 0).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Where it takes messages."""
        return f"http://{HOST}:{self._runner.addresses[0][1]}{self._path}"

    @abstractmethod
    async def receive(self, request: web.Request) -> web.Response:
        """Answer a message."""
