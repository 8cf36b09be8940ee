"""A webhook receiver on this machine, for those who want to see what the product tells."""

from abc import ABC, abstractmethod
from typing import Self

from aiohttp import web

HOST = "127.0.0.1"
PATH = "/webhooks"


class Receiver(ABC):
    """Listens on a free port of the loopback inside an `async with`."""

    def __init__(self) -> None:
        app = web.Application()
        app.router.add_post(PATH, self.receive)
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
        return f"http://{HOST}:{self._runner.addresses[0][1]}{PATH}"

    @abstractmethod
    async def receive(self, request: web.Request) -> web.Response:
        """Answer a message."""
