"""The types of ASGI, and a reply sent as ASGI has it."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .replies import Reply

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_DIGITS = 18  # of a length that are read: one with more is longer than anything anyway


def announced_bytes(scope: Scope) -> int:
    """Return how long a body says that it is, 0 where it does not say it."""
    length = dict(scope["headers"]).get(b"content-length", b"0")
    return int(length[:MAX_DIGITS]) if length.isdigit() else 0


async def send_reply(send: Send, reply: Reply) -> None:
    """Send a reply as ASGI has it."""
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})
