"""Tells the service manager that started this process how far it is: systemd's `sd_notify`.

A datagram to the socket that NOTIFY_SOCKET names, as sd_notify(3) describes it ("Standalone
Implementations"). So a systemd unit may say `Type=notify`, and the manager of `make up` knows when
a new web process may take over. Without the variable nothing happens.
"""

import os
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

READY = "READY=1"
STOPPING = "STOPPING=1"

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]
Receive = Callable[[], Awaitable[Message]]
Application = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_STATES = {"lifespan.startup.complete": READY, "lifespan.shutdown.complete": STOPPING}


def announced(application: Application) -> Application:
    """Return `application`, which now tells the service manager when its lifespan says so."""

    async def serve(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        reporting = _reporting(send) if scope["type"] == "lifespan" else send
        await application(scope, receive, reporting)

    return serve


def notify(state: str) -> None:
    """Send `state` to the service manager, if there is one that asks for it.

    A manager that is gone, or too busy to read, is no reason to fail: the message is a hint.
    """
    if not (path := os.environ.get("NOTIFY_SOCKET")):
        return
    # "@" stands for the zero byte of Linux's abstract addresses, which no variable can hold.
    address = f"\0{path[1:]}" if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.setblocking(False)
        try:
            manager.sendto(state.encode(), address)
        except OSError:
            return


def _reporting(send: Send) -> Send:
    async def send_and_report(message: Message) -> None:
        await send(message)
        if state := _STATES.get(message["type"]):
            notify(state)

    return send_and_report
