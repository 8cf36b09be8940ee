"""A real HTTP server that webhooks are delivered to, and that answers as a test wants it to."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

from aiohttp import web


@dataclass(frozen=True)
class Received:
    """One call, as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def message(self) -> dict[str, Any]:
        return dict(json.loads(self.body))

    @property
    def order(self) -> str:
        return str(self.message["data"]["id"])


HANG_UP = 0  # instead of a status: break the connection
Answer = int | tuple[int, dict[str, str]]
Behaviour = Callable[[Received], Answer | Awaitable[Answer]]


class Receiver:
    """Listens on the loopback in a thread of its own, and keeps what arrives."""

    def __init__(self) -> None:
        self.calls: list[Received] = []
        self.behaviour: Behaviour = lambda call: 200
        self.answers_endlessly = False
        self.most_at_once = self._at_once = 0
        self.connections: set[Any] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._released: asyncio.Event | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        self._in_loop(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
        self._in_loop(self._runner.cleanup())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def until_released(self) -> Answer:
        """Let a call hang until the test lets go of all that hang."""
        assert self._released is not None
        await self._released.wait()
        return 200

    def release(self) -> None:
        assert self._released is not None
        self._loop.call_soon_threadsafe(self._released.set)

    def ids(self, path: str = "/hook") -> list[str]:
        return [call.id for call in self.calls if call.path == path]

    def _in_loop(self, coroutine: Any) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(10)

    async def _start(self) -> None:
        self._released = asyncio.Event()
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._receive)
        self._runner = web.AppRunner(app, shutdown_timeout=1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]

    async def _receive(self, request: web.Request) -> web.Response:
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Received(request.path, headers, await request.read())
        self.connections.add(request.transport)
        self.calls.append(call)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        answer = self.behaviour(call)
        if not isinstance(answer, int | tuple):
            answer = await answer
        self._at_once -= 1
        status, headers = answer if isinstance(answer, tuple) else (answer, {})
        if status == HANG_UP and request.transport:
            request.transport.abort()
            status = 500
        if self.answers_endlessly:
            await _talk(request)
        return web.Response(status=status, headers=headers, text="thank you")


async def _talk(request: web.Request) -> None:
    """Answer 200, and go on until the other side has heard enough."""
    response = web.StreamResponse()
    await response.prepare(request)
    with suppress(ConnectionError):
        while True:
            await response.write(b"x" * 512)
            await asyncio.sleep(0)
