"""The thin ASGI handler in front of Django: it serves POST /api/v1/orders and nothing else.

Django's own request handling costs ten times as much as placing an order (see docs/adr/0002). Where
the server speaks `short_way.OrderProtocol`, most orders do not even come by here.
"""

import asyncio

from django.conf import settings

from orders.http.asgi import Application, Message, Receive, Scope, Send, announced_bytes, send_reply
from orders.http.headers import read_headers
from orders.http.problems import BODY_TOO_LARGE, Problem
from orders.http.replies import Reply, problem_reply
from shop.core.processes import health
from shop.core.processes.lingering_close import CLOSE
from shop.core.processes.threads import in_thread

from .connection.addresses import client_address, is_trusted, sender_of
from .placing import intake

PATH = "/api/v1/orders"
ENDS = (408, 413)  # answers after which a connection is closed: more than it should may come


class Disconnected(Exception):
    """The caller left before its request was whole."""


def with_intake(application: Application) -> Application:
    """Return an ASGI application that takes orders itself and leaves the rest to `application`."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        send = _ending(send)
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] == "POST":
            try:
                body = await _read_body(scope, receive)
            except Disconnected:
                return
            client = scope.get("client")
            address = client_address(client[0], scope["headers"]) if client else ""
            await send_reply(send, await intake().place_order(scope["headers"], body, address))
        elif scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http" and announced_bytes(scope) > settings.MAX_BODY_BYTES:
            await send_reply(send, _too_large(scope))
        else:
            name_sender(scope)
            await application(scope, _bounded(receive), send)

    return serve


def name_sender(scope: Scope) -> None:
    """Put into a scope what a trusted proxy says of the sender: the address, http or https.

    In the place of uvicorn's own middleware, which believes any process on the loopback.
    """
    client = scope.get("client")
    if scope["type"] != "http" or not client or not is_trusted(client[0]):
        return
    scope["client"] = sender_of(client[0], scope["headers"]), 0
    proto = dict(scope["headers"]).get(b"x-forwarded-proto", b"").strip().lower()
    if proto in (b"http", b"https"):
        scope["scheme"] = proto.decode()


def _ending(send: Send) -> Send:
    """Return `send`, with which the connection ends after an answer of ENDS."""

    async def send_or_end(message: Message) -> None:
        if message.get("status") in ENDS:
            message["headers"] = [*message.get("headers", []), CLOSE]
        await send(message)

    return send_or_end


def _too_large(scope: Scope) -> Reply:
    detail = f"A body has at most {settings.MAX_BODY_BYTES} bytes here."
    return problem_reply(read_headers(scope["headers"]), Problem(BODY_TOO_LARGE, detail))


def _bounded(receive: Receive) -> Receive:
    """Return `receive`; a client that sends too much or too slowly is taken for gone.

    Django writes a body to disk before any view can look at its size. A connection of ours answers
    408 before that (`connection`); another server's would be waited for without end.
    """
    taken, whole = 0, False
    deadline = asyncio.get_running_loop().time() + 2 * settings.INTAKE_BODY_TIMEOUT_SECONDS

    async def receive_some() -> Message:
        nonlocal taken, whole
        try:
            async with asyncio.timeout_at(None if whole else deadline):
                message = await receive()
        except TimeoutError:
            return {"type": "http.disconnect"}
        taken += len(message.get("body", b""))
        whole = whole or not message.get("more_body")
        return message if taken <= settings.MAX_BODY_BYTES else {"type": "http.disconnect"}

    return receive_some


def too_large_body() -> bytes:
    """Return a body in place of one that is larger than any order."""
    return bytes(settings.INTAKE_MAX_BODY_BYTES + 1)


async def _read_body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body, cut where it is larger than any order; None if it does not come in time."""
    if announced_bytes(scope) > settings.INTAKE_MAX_BODY_BYTES:
        return too_large_body()
    try:
        async with asyncio.timeout(settings.INTAKE_BODY_TIMEOUT_SECONDS):
            return await _read_chunks(receive)
    except TimeoutError:
        return None


async def _read_chunks(receive: Receive) -> bytes:
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise Disconnected
        body += message.get("body", b"")
        if len(body) > settings.INTAKE_MAX_BODY_BYTES or not message.get("more_body"):
            return body


async def _live(receive: Receive, send: Send) -> None:
    """Log what is promised at the start; at the end, finish the batches under way."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await in_thread(health.log_promise)
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await intake().close()
            await send({"type": "lifespan.shutdown.complete"})
            return
