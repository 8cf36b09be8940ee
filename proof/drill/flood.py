"""A flood of connections, in a process of its own: `python -m proof.drill.flood KIND PORT`.

It ends by itself after SECONDS and prints one line about what it did.
"""

import asyncio
import resource
import socket
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from time import monotonic
from uuid import uuid4

SECONDS = 8.0
HOST = "127.0.0.1"
SILENT = 11_000  # connections: more than web has places for (WEB_MAX_CONNECTIONS)
SLOW = 1_000
DEAF = 100
PIPELINES = 40
GUESSERS = 32
WANDERERS = 600  # connections that ask for sales which do not exist
READERS = 64  # of a page that Django makes
PIPELINED_BYTES = 200_000
FOR_OTHER_FILES = 200

_GET = b"GET %b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
_ORDER = (
    b"POST /api/v1/orders HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Authorization: Bearer fso_%b\r\nIdempotency-Key: %b\r\nContent-Length: 2\r\n\r\n{}"
)
_JUNK = (
    b"GET / HTTP/2.0\r\n\r\n",
    b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03",
    b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
)


class Flood:
    """So many connections to a port, until it is over."""

    def __init__(self, port: int) -> None:
        self.done: Counter[str] = Counter()
        self._port = port
        self._over_at = monotonic() + SECONDS

    @property
    def is_over(self) -> bool:
        """Whether the flood has lasted for as long as it was to."""
        return monotonic() > self._over_at

    async def silent(self) -> None:
        """Open connections and send nothing; open them again where they were closed."""
        held: list[socket.socket] = []
        try:
            while not self.is_over:
                if len(held) < min(SILENT, _most_files()):
                    held.append(self._connected())
                else:
                    held = [each for each in held if not _is_closed(each)]
                    await asyncio.sleep(0.5)
        finally:
            for each in held:
                each.close()

    def _connected(self) -> socket.socket:
        self.done["connections"] += 1
        opened = socket.create_connection((HOST, self._port), timeout=5)
        opened.setblocking(False)
        return opened

    async def slow_heads(self) -> None:
        """Send heads a byte at a time, which never end."""
        await self._beside(SLOW, self._drip)

    async def _drip(self) -> None:
        reader, writer = await self._connect()
        with suppress(OSError):
            writer.write(b"GET / HTTP/1.1\r\nX: ")
            while not self.is_over and not reader.at_eof():
                writer.write(b"y")
                await writer.drain()
                await asyncio.sleep(0.5)
        writer.close()

    async def pipelined(self) -> None:
        """Send requests without waiting for answers, and read these."""
        await self._beside(PIPELINES, self._pipeline)

    async def _pipeline(self) -> None:
        reader, writer = await self._connect()
        request = _GET % b"/healthz"
        with suppress(OSError):
            writer.write(request * (PIPELINED_BYTES // len(request)))
            while not self.is_over and await reader.read(65_536):
                self.done["parts of answers"] += 1
        writer.transport.abort()

    async def never_reading(self) -> None:
        """Ask for large answers again and again, and read none."""
        await self._beside(DEAF, self._be_deaf)

    async def _be_deaf(self) -> None:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            loop = asyncio.get_running_loop()
            with suppress(OSError):
                await loop.sock_connect(deaf, (HOST, self._port))
                self.done["connections"] += 1
                async with asyncio.timeout(max(0.0, self._over_at - monotonic())):
                    await loop.sock_sendall(deaf, _GET % b"/api/v1/openapi.json" * 3000)
                    await asyncio.sleep(SECONDS)

    async def junk_keys(self) -> None:
        """Order with API keys that do not exist, each another one."""
        await self._beside(GUESSERS, self._guess)

    async def _guess(self) -> None:
        reader, writer = await self._connect()
        with suppress(OSError, asyncio.IncompleteReadError):
            while not self.is_over:
                guess = uuid4().hex.encode()
                writer.write(_ORDER % (guess, guess))
                await self._read_answer(reader)
        writer.close()

    async def _read_answer(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        size = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        await reader.readexactly(size)
        self.done[f"answers of {head[9:12].decode()}"] += 1

    async def unknown_slugs(self) -> None:
        """Ask for sales that do not exist, each time for another one."""
        await self._beside(WANDERERS, lambda: self._look(lambda: f"/api/v1/sales/{uuid4().hex}"))

    async def page_readers(self) -> None:
        """Load the front page again and again."""
        await self._beside(READERS, lambda: self._look(lambda: "/"))

    async def _look(self, next_path: Callable[[], str]) -> None:
        reader, writer = await self._connect()
        with suppress(OSError, asyncio.IncompleteReadError):
            while not self.is_over:
                writer.write(_GET % next_path().encode())
                await self._read_answer(reader)
        writer.close()

    async def malformed(self) -> None:
        """Send what is no HTTP/1.1, over connections that are closed for it."""
        await self._beside(GUESSERS, self._spoil)

    async def _spoil(self) -> None:
        reader, writer = await self._connect()
        with suppress(OSError):
            writer.write(_JUNK[self.done["connections"] % len(_JUNK)])
            self.done[f"answers of {(await reader.read())[9:12].decode()}"] += 1
        writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.done["connections"] += 1
        return await asyncio.open_connection(HOST, self._port)

    async def _beside(self, number: int, action: Callable[[], Awaitable[None]]) -> None:
        async def again() -> None:
            while not self.is_over:
                with suppress(OSError, TimeoutError):
                    await action()
                await asyncio.sleep(0.01)

        await asyncio.gather(*(again() for _ in range(number)))


KINDS: Mapping[str, Callable[[Flood], Awaitable[None]]] = {
    "silent": Flood.silent,
    "slow-heads": Flood.slow_heads,
    "pipelined": Flood.pipelined,
    "never-reading": Flood.never_reading,
    "junk-keys": Flood.junk_keys,
    "unknown-slugs": Flood.unknown_slugs,
    "page-readers": Flood.page_readers,
    "malformed": Flood.malformed,
}


def _is_closed(connection: socket.socket) -> bool:
    try:
        ended = connection.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        ended = True
    if ended:
        connection.close()
    return ended


def _most_files() -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return SILENT if hard == resource.RLIM_INFINITY else hard - FOR_OTHER_FILES


def main(kind: str, port: int) -> None:
    """Flood a port, and say with how much."""
    flood = Flood(port)
    _most_files()
    asyncio.run(_run(KINDS[kind](flood)))
    print(", ".join(f"{count:,} {name}" for name, count in flood.done.most_common()))


async def _run(flood: Awaitable[None]) -> None:
    await flood


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
