"""A webhook receiver that takes everything at once, and counts it."""

from aiohttp import web

from shop.local.receiver import Receiver


class CountingReceiver(Receiver):
    """Counts what it has received."""

    def __init__(self) -> None:
        super().__init__()
        self.received = 0

    async def receive(self, request: web.Request) -> web.Response:
        """Take a message."""
        await request.read()
        self.received += 1
        return web.Response(status=204)
