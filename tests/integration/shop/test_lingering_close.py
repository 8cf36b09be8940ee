"""The graceful end of a server: what was on its way is answered, who asks nothing is let go."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn import Config, Server

from shop.core.processes import lingering_close
from shop.core.processes.lingering_close import CLOSE, LingeringProtocol

REQUEST = b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n"
Client = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


class Serving:
    """A server that can be told to end, and its clients."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self._port = port

    async def connect(self) -> Client:
        """Return a connection that the server has accepted."""
        before = len(self.server.server_state.connections)
        client = await asyncio.open_connection("127.0.0.1", self._port)
        await soon(lambda: len(self.server.server_state.connections) > before)
        return client

    async def begin_to_end(self) -> None:
        """Return when the server is about to end."""
        self.server.should_exit = True
        await soon(lambda: CLOSE in self.server.server_state.default_headers)


async def soon(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)


async def ask(client: Client) -> bytes:
    """Return the head of the answer to a request."""
    reader, writer = client
    writer.write(REQUEST)
    return await reader.readuntil(b"\r\n\r\n")


@asynccontextmanager
async def serving() -> AsyncIterator[Serving]:
    """Run a server, and see it end by itself."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = Config(application, http=LingeringProtocol, lifespan="off", log_config=None)
        server = Server(config)
        running = asyncio.create_task(server.serve(sockets=[listener]))
        await soon(lambda: server.started)
        yield Serving(server, listener.getsockname()[1])
        async with asyncio.timeout(30):
            await running


def run(scenario: Awaitable[None]) -> None:
    asyncio.run(scenario)  # type: ignore[arg-type]


def test_a_request_on_its_way_is_answered_with_connection_close() -> None:
    async def scenario() -> None:
        async with serving() as running:
            new, kept = await running.connect(), await running.connect()
            assert b"connection: close" not in await ask(kept)
            await running.begin_to_end()
            for reader, writer in (new, kept):
                answer = await ask((reader, writer))
                assert answer.startswith(b"HTTP/1.1 204 ")
                assert b"connection: close" in answer
                assert await reader.read() == b""
                writer.close()

    run(scenario())


def test_a_client_that_asks_nothing_does_not_hold_up_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lingering_close, "LINGER_SECONDS", 0.01)

    async def scenario() -> None:
        async with serving() as running:
            reader, writer = await running.connect()
            await running.begin_to_end()
            assert await reader.read() == b""
            writer.close()

    run(scenario())


def test_a_connection_accepted_at_the_last_moment_is_no_exception() -> None:
    async def scenario() -> None:
        async with serving() as running:
            first, last = await running.connect(), await running.connect()
            [protocol] = [
                each
                for each in running.server.server_state.connections
                if each.client == last[1].get_extra_info("sockname")
            ]
            await running.begin_to_end()
            protocol.connection_made(protocol.transport)  # as if it came only now
            assert b"connection: close" in await ask(last)
            for _, writer in (first, last):
                writer.close()

    run(scenario())
