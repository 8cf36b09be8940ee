"""A connection without a socket: bytes go in, and what would go out is kept."""

import asyncio
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from uvicorn import Config
from uvicorn.server import ServerState

from orders.intake.connection.protocol import BoundedProtocol


class Transport(asyncio.Transport):
    """Takes down what is written; reads and ends as a socket would."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.protocol: BoundedProtocol | None = None
        self.is_reading = True
        self.unsent = 0
        self.sent_eof = self.closed = False
        self.is_deaf = False  # the client does not read

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("192.0.2.7", 4711)}.get(name, default)

    def write(self, data: Any) -> None:
        assert not self.sent_eof
        self.written += data
        if self.is_deaf and self.protocol is not None and not self.unsent:
            self.unsent = 100_000
            self.protocol.pause_writing()

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.sent_eof = True

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            assert self.protocol is not None
            asyncio.get_running_loop().call_soon(self.protocol.connection_lost, None)

    abort = close


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: Any

    @property
    def closes(self) -> bool:
        return self.headers.get("connection") == "close"


_ANSWER = re.compile(rb"HTTP/1\.1 (\d{3}) [^\r\n]*\r\n((?:[^\r\n]+\r\n)*)\r\n")


def answers(written: bytes, *, head_only: bool = False) -> list[Answer]:
    """Return the answers in what was written; nothing else may be there."""
    found, at = [], 0
    while at < len(written):
        match = _ANSWER.match(written, at)
        assert match, written[at:]
        lines = match[2].decode("latin-1").split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if ": " in line)
        size = 0 if head_only or match[1] == b"100" else int(headers.get("content-length", 0))
        body = written[match.end() : match.end() + size]
        at = match.end() + size
        found.append(Answer(int(match[1]), headers, json.loads(body) if body else None))
    return found


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Tell what was asked for, once the body is there."""
    body, more = b"", True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body += message["body"]
        more = message.get("more_body", False)
    told = {
        "method": scope["method"],
        "path": scope["path"],
        "body": body.decode("latin-1"),
        "headers": [name.decode("latin-1") for name, _ in scope["headers"]],
        "host": dict(scope["headers"]).get(b"host", b"").decode("latin-1"),
    }
    content = json.dumps(told).encode()
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [(b"content-length", b"%d" % len(content))],
        }
    )
    await send({"type": "http.response.body", "body": content})


class Wire:
    """A connection of a server that runs `application`."""

    def __init__(self, application: Any = echo, server_state: ServerState | None = None) -> None:
        config = Config(application, log_config=None, access_log=False, proxy_headers=False)
        config.load()
        self.transport = Transport()
        self.protocol = BoundedProtocol(config, server_state or ServerState(), {})
        self.transport.protocol = self.protocol
        self.protocol.connection_made(self.transport)

    async def send(self, *parts: bytes) -> None:
        """Let each part come in by itself, as far as the connection is still read from."""
        for part in parts:
            while not self.transport.is_reading and not self.transport.closed:  # noqa: ASYNC110
                await asyncio.sleep(0)
            if self.transport.closed:
                return
            self.protocol.data_received(part)
        await self.settle()

    async def settle(self) -> None:
        """Let everything run that can."""
        for _ in range(200):
            await asyncio.sleep(0)

    def answers(self, **options: Any) -> list[Answer]:
        return answers(self.transport.written, **options)

    @property
    def has_ended(self) -> bool:
        return self.transport.closed or self.transport.sent_eof


def exchange(parts: Iterable[bytes], application: Any = echo) -> Wire:
    """Send the parts over a connection of its own, and return it as it is then."""

    async def run() -> Wire:
        wire = Wire(application)
        await wire.send(*parts)
        return wire

    return asyncio.run(run())
