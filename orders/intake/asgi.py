"""The thin ASGI handler in front of Django: it serves POST /api/v1/orders and nothing else.

Django's own request handling costs ten times what judging an order does (see docs/adr/0002).
"""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from django.conf import settings

from shop.core import health
from shop.core.threads import in_thread

from .replies import Reply
from .service import intake

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

PATH = "/api/v1/orders"


class Disconnected(Exception):
    """The caller left before its request was whole."""


def with_intake(application: Application) -> Application:
    """Return an ASGI application that takes orders itself and leaves the rest to `application`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            try:
                body = await _read_body(receive)
            except Disconnected:
                return
            await _send(send, await intake().place_order(scope["headers"], body))
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        else:
            await application(scope, receive, send)

    return serve


async def _read_body(receive: Receive) -> bytes | None:
    """Return the body, cut where it is larger than any order; None if it does not come in time."""
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        whole: bytes = message.get("body", b"")
        return whole  # nearly always: no timer for it
    try:
        async with asyncio.timeout(settings.INTAKE_BODY_TIMEOUT_SECONDS):
            return await _read_chunks(message, receive)
    except TimeoutError:
        return None


async def _read_chunks(message: Message, receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > settings.INTAKE_MAX_BODY_BYTES or not message.get("more_body"):
            return body
        message = await receive()


async def _send(send: Send, reply: Reply) -> None:
    await send({"type": "http.response.start", "status": reply.status, "headers": reply.headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _live(receive: Receive, send: Send) -> None:
    """Say what is promised at the start; at the end, finish the batches under way."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await in_thread(health.log_promise)
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await intake().close()
            await send({"type": "lifespan.shutdown.complete"})
            return
