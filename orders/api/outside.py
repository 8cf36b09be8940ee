"""A bound on the requests that Django serves at once. The rest waits in front of it.

Visitors of pages wait for each other; operators and payment providers do not wait for them.
"""

from collections.abc import Mapping
from functools import partial

from django.conf import settings

from orders.http.asgi import Application, Message, Receive, Scope, Send, send_reply
from orders.http.headers import read_headers
from orders.http.replies import problem_reply, unavailable
from shop.core.concurrency import AtCapacity, ConcurrencyLimit, Slot

OPERATORS = "/admin/"
# By how a path begins, the first that fits: how many are at work at once.
AT_ONCE: Mapping[str, int] = {OPERATORS: 4, "/api/v1/payments/": 4, "": 4}


def with_room(application: Application) -> Application:
    """Return an ASGI application that lets a few requests at once into `application`."""
    rooms = {beginning: ConcurrencyLimit(at_once) for beginning, at_once in AT_ONCE.items()}

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await application(scope, receive, send)
            return
        beginning = _room_of(scope)
        try:
            place = await rooms[beginning].enter()
        except AtCapacity as error:
            reply = problem_reply(read_headers(scope["headers"]), unavailable(str(error)))
            await send_reply(send, reply)
            return
        try:
            # A page is made when its answer begins, and its client may read as slowly as it likes.
            # An operator's export is made while it is read.
            leaving = send if beginning == OPERATORS else partial(_leave_and_send, place, send)
            await application(scope, receive, leaving)
        finally:
            place.leave()

    return serve


def _room_of(scope: Scope) -> str:
    """Return the key of a request's room. Without a session, it is no operator's yet."""
    path = str(scope["path"])
    beginning = next(each for each in AT_ONCE if path.startswith(each))
    return "" if beginning == OPERATORS and not _has_session(scope) else beginning


def _has_session(scope: Scope) -> bool:
    session = f"{settings.SESSION_COOKIE_NAME}=".encode()
    return any(name == b"cookie" and session in value for name, value in scope["headers"])


async def _leave_and_send(place: Slot, send: Send, message: Message) -> None:
    place.leave()
    await send(message)
