"""The probes of load balancers and orchestrators, in front of Django.

These ask by address, so every valid Host is right here. A late reply would make them take the
process away, so probes wait for no page.
"""

import asyncio
import json
from typing import Any

from orders.http.asgi import Application, Receive, Scope, Send, send_reply
from orders.http.failures import problem_of
from orders.http.headers import OrderHeaders, read_headers
from orders.http.replies import Reply, plain_reply, problem_reply

from .monitoring import ALIVE, readiness

HEALTH, READINESS = "/healthz", "/readyz"


def with_probes(application: Application) -> Application:
    """Return an ASGI application that answers probes itself, and leaves the rest."""
    checks = _SharedChecks()

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path not in (HEALTH, READINESS) or scope["method"] not in ("GET", "HEAD"):
            await application(scope, receive, send)
            return
        headers = read_headers(scope["headers"])
        if path == HEALTH:
            reply = _json(headers, 200, ALIVE)
        else:
            reply = await checks.reply(headers)
        await send_reply(send, reply)

    return serve


class _SharedChecks:
    """One check of everything at a time, for any number of probes. Belongs to one event loop."""

    def __init__(self) -> None:
        self._checking: asyncio.Task[tuple[bool, dict[str, Any]]] | None = None

    async def reply(self, headers: OrderHeaders) -> Reply:
        """Return the reply of the check that is under way, or of one that begins."""
        if self._checking is None:
            self._checking = asyncio.create_task(self._check())
        try:
            ready, found = await asyncio.shield(self._checking)
        except Exception as error:
            return problem_reply(headers, problem_of(error))
        reply = _json(headers, 200 if ready else 503, found)
        if not ready:
            reply.add(b"retry-after", b"1")
        return reply

    async def _check(self) -> tuple[bool, dict[str, Any]]:
        try:
            return await readiness()
        finally:
            self._checking = None


def _json(headers: OrderHeaders, code: int, document: dict[str, Any]) -> Reply:
    return plain_reply(headers, code, b"application/json", json.dumps(document).encode())
