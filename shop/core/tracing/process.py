"""Whether this process records traces, and how: switched on by OpenTelemetry's own variables.

Off, nothing of OpenTelemetry is imported, and `active` is None: every recording place looks at that
and goes on. https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
"""

import logging
import os
import threading
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from shop.core.processes.threads import in_thread

from .recording import wanted
from .traceparent import sane_traceparent

if TYPE_CHECKING:
    from .otel import Attributes, Tracing

logger = logging.getLogger(__name__)

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

active: "Tracing | None" = None


def start(role: str) -> None:
    """Record this process's traces from now on, if that is wanted; `role` is what it does.

    Call it in the process that does the work, not before a fork: exporting takes a thread. What is
    wrong with the variables is logged and fails nothing.
    """
    global active
    if active is not None or not wanted(os.environ):
        return
    from .otel import Tracing

    try:
        active = Tracing(os.environ, role)
    except Exception as error:  # whatever OpenTelemetry has to say about its variables
        logger.warning("traces are not recorded: %s", error)


def stop(patience_seconds: float = 2.0) -> None:
    """Export what is left, for no longer than that, and record nothing more."""
    global active
    if active is None:
        return
    stopped, active = active, None
    # The exporter may be in the middle of its retries, and no process ends late for that.
    closing = threading.Thread(target=stopped.close, name="last-traces", daemon=True)
    closing.start()
    closing.join(patience_seconds)


@contextmanager
def span(
    name: str, *, parent: str = "", kind: str = "internal", attributes: "Attributes | None" = None
) -> Iterator[str]:
    """Record what happens inside as a span, where that is wanted and sampled.

    `parent` is the caller's traceparent; the block gets the span's own, or "" without one. An error
    that leaves the block is the span's, too.
    """
    if active is None:
        yield ""
        return
    with active.span(name, parent=parent, kind=kind, attributes=attributes or {}) as traceparent:
        yield traceparent


def name_route(route: str) -> None:
    """Name the HTTP request's span after its route, once that is known."""
    if active is not None:
        active.name_route(route)


def traced(application: Application) -> Application:
    """Return an ASGI application that records a span for each sampled request; off, the same."""
    if active is None:
        return application

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or active is None:
            await application(scope, receive, send)
            return
        facts = {"http.request.method": scope["method"], "url.path": scope["path"]}
        parent = traceparent_in(scope)
        with active.span(scope["method"], parent=parent, kind="server", attributes=facts) as own:
            scope["traceparent"] = own or parent
            await application(scope, receive, _noting_status(send) if own else send)

    return serve


def traceparent_in(scope: Scope) -> str:
    """Return the sane traceparent of an ASGI request, "" for none."""
    for name, value in scope["headers"]:
        if name == b"traceparent":
            return sane_traceparent(value)
    return ""


def until_shutdown(application: Application) -> Application:
    """Return an ASGI application that exports the last traces when its lifespan ends."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        await application(scope, receive, _stopping(send) if scope["type"] == "lifespan" else send)

    return serve


def _noting_status(send: Send) -> Send:
    async def send_and_note(message: Message) -> None:
        if message["type"] == "http.response.start" and active is not None:
            active.note_status(message["status"])
        await send(message)

    return send_and_note


def _stopping(send: Send) -> Send:
    async def stop_and_send(message: Message) -> None:
        if message["type"] == "lifespan.shutdown.complete":
            await in_thread(stop)
        await send(message)

    return stop_and_send
