"""A bare ASGI application: it answers 202 with 200 bytes of JSON, and counts its answers.

The count lies in a file of PEER_COUNTS that is mapped into memory, one for each process, so that
it can be read from outside and costs the reply next to nothing.
"""

import mmap
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

FORM = b'{"id": "00000000-0000-0000-0000-000000000000", "status": "accepted", "metadata": "%s"}'
BODY = FORM % (b"." * (202 - len(FORM)))  # 200 bytes; the place holder takes two of the form's
HEADERS = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BODY))]
START = {"type": "http.response.start", "status": 202, "headers": HEADERS}
END = {"type": "http.response.body", "body": BODY}
ALIVE = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
EMPTY = {"type": "http.response.body", "body": b""}


def new_count(folder: Path) -> memoryview:
    """Return this process's count of answers, one number that a file in `folder` shows."""
    with (folder / str(os.getpid())).open("wb+") as file:
        file.truncate(mmap.PAGESIZE)
        return memoryview(mmap.mmap(file.fileno(), mmap.PAGESIZE)).cast("Q")


answered = new_count(Path(os.environ["PEER_COUNTS"]))


async def app(scope: Message, receive: Receive, send: Send) -> None:
    """Answer whatever is asked."""
    if scope["path"] == "/healthz":
        await send(ALIVE)
        await send(EMPTY)
        return
    answered[0] += 1
    await send(START)
    await send(END)
