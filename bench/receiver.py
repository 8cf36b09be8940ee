"""A webhook receiver that takes everything at once, and counts it."""

from typing import Self

from aiohttp import web

HOST, PATH = "127.0.0.1", "/hook"


class Receiver:
    """Listens on a free port inside an `async with`."""

    def __init__(self) -> None:
        self.received = 0
        app = web.Application()
        app.router.add_post(PATH, self._receive)
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

    async def _receive(self, request: web.Request) -> web.Response:
        await request.read()
        self.received += 1
        return web.Response(status=204)
