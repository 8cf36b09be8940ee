"""A small HTTP server for the demo's clients."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
T = TypeVar("T")


@asynccontextmanager
async def serving(handler: Handler) -> AsyncIterator[str]:
    """Answer every request by `handler`; yield the server's URL."""
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handler)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


def served(handler: Handler, work: Callable[[str], Coroutine[Any, Any, T]]) -> T:
    """Return what `work` returns, given the URL of a server with this handler."""

    async def run() -> T:
        async with serving(handler) as url:
            return await work(url)

    return asyncio.run(run())


def clock() -> float:
    """Seconds, for clients that count them from some start."""
    return asyncio.get_running_loop().time()
