"""The endpoints that payment providers call: check the signature, note the message, answer.

A task does what follows from a message. The callback of Standard Webhooks is answered in front of
Django, whose request handling costs several times what it does.
"""

import logging
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse

from orders.domain import PaymentMessageType
from orders.errors import MessageChanged, OrderUnknown, PaymentMismatch
from orders.http import problems
from orders.http.asgi import Application, Receive, Scope, Send, announced_bytes, send_reply
from orders.http.decoding import NotJson, WrongFields
from orders.http.failures import problem_of
from orders.http.gathered import Together
from orders.http.headers import read_headers
from orders.http.problems import Problem, Refused
from orders.http.replies import plain_reply, problem_reply
from orders.models import PaymentNotice
from orders.payments.adapters import standard, stripe
from orders.payments.note import Answer, Message, Noted, note
from orders.payments.provider_message import (
    Ignored,
    NoOrder,
    NotConfigured,
    PaymentMessage,
    Provider,
    SignatureRefused,
)
from shop.core import clock
from shop.core.processes.threads import in_thread

from .endpoint import View, endpoint
from .marking import Mark, is_set, mark_of, take_away

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Received:
    """A message as it came this time. No two are equal, also with equal contents."""

    message: Message
    mark: Mark | None


def _note_all(received: Collection[_Received]) -> Mapping[_Received, Answer]:
    try:
        return dict(zip(received, note([each.message for each in received]), strict=True))
    finally:
        # Here, and not where the reply is waited for: noting may go on after its request has gone.
        take_away([each.mark for each in received if each.mark])


_write_down: Together[_Received, Noted] = Together(_note_all)

CALLBACK = "/api/v1/payments/callback"
MAX_BODY_BYTES = 64 * 1024
IGNORED = "ignored"
_REFUSALS = (NotConfigured, SignatureRefused, NotJson, WrongFields, NoOrder)


def messages_of(provider: Provider) -> View[[]]:
    """Return the endpoint that takes a provider's messages."""

    @endpoint("POST")
    async def view(request: HttpRequest) -> HttpResponse:
        body = request.read(MAX_BODY_BYTES + 1)
        return await take_message(request, provider, request.headers, body)

    return view


async def take_message(
    request: HttpRequest, provider: Provider, headers: Mapping[str, str], body: bytes
) -> HttpResponse:
    """Answer a provider's message. Raises Refused."""
    document = await _take(request.path, provider, headers, body)
    return HttpResponse(document, content_type="application/json")


callback = messages_of(standard.PROVIDER)
stripe_events = messages_of(stripe.PROVIDER)


def with_callback(application: Application) -> Application:
    """Return an ASGI application that takes callbacks itself, and leaves the rest."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != CALLBACK or scope["method"] != "POST":
            await application(scope, receive, send)
        elif (body := await _body(scope, receive)) is not None:
            await _answer_callback(scope, body, send)

    return serve


async def _answer_callback(scope: Scope, body: bytes, send: Send) -> None:
    headers = read_headers(scope["headers"])
    given = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    try:
        document = await _take(CALLBACK, standard.PROVIDER, given, body)
    except Exception as error:
        await send_reply(send, problem_reply(headers, problem_of(error)))
    else:
        await send_reply(send, plain_reply(headers, 200, b"application/json", document))


async def _body(scope: Scope, receive: Receive) -> bytes | None:
    """Return the body, cut where it is longer than any message; None where the sender has gone."""
    if announced_bytes(scope) > MAX_BODY_BYTES:
        return bytes(MAX_BODY_BYTES + 1)
    body: bytes = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES or not message.get("more_body"):
            return body


async def _take(path: str, provider: Provider, headers: Mapping[str, str], body: bytes) -> bytes:
    """Take a provider's message, and return the reply to it in JSON. Raises Refused.

    The body may be of whatever media type: the signature vouches for its bytes alone.
    """
    received_at = clock.now()
    if len(body) > MAX_BODY_BYTES:
        detail = f"A payment provider's message has at most {MAX_BODY_BYTES} bytes."
        raise Refused(Problem(problems.BODY_TOO_LARGE, detail))
    order_of = partial(_order_of, provider.name)
    try:
        if provider.may_block:
            message = await in_thread(provider.read, headers, body, order_of)
        else:
            message = provider.read(headers, body, order_of)
    except _REFUSALS as error:
        raise Refused(_refusal(path, error)) from error
    if isinstance(message, Ignored):
        return _document(message.notice_id, IGNORED)
    received = await _kept_from_its_end(replace(message, received_at=received_at))
    try:
        noted = await _write_down(received)
    except (PaymentMismatch, MessageChanged) as error:
        if provider.resends_refused:  # it is kept, and would only come again
            return _document(message.notice_id, PaymentNotice.State.REFUSED)
        changed = isinstance(error, MessageChanged)
        type_ = problems.MESSAGE_CHANGED if changed else problems.PAYMENT_MISMATCH
        raise Refused(Problem(type_, str(error))) from error
    except OrderUnknown as error:
        raise Refused(Problem(problems.NOT_FOUND, str(error))) from error
    return _document(noted.notice_id, noted.state)


async def _kept_from_its_end(message: Message) -> _Received:
    """Mark the order of a payment as being paid: its hold does not end before that is noted."""
    if not isinstance(message, PaymentMessage) or message.type is not PaymentMessageType.SUCCEEDED:
        return _Received(message, None)
    mark = mark_of(message.order_id)
    if mark and not await is_set(mark):
        message = replace(message, is_unmarked=True)
    return _Received(message, mark)


def _document(notice_id: str, state: str) -> bytes:
    return msgspec.json.encode({"notice": notice_id, "state": str(state)})


def _order_of(provider: str, reference: str) -> UUID | None:
    """Return the order that an earlier message of a payment was about."""
    known = PaymentNotice.objects.filter(provider=provider, reference=reference)
    return known.values_list("order_id", flat=True).first()


def _refusal(path: str, error: Exception) -> Problem:
    match error:
        case NotConfigured():
            return Problem(problems.NOT_FOUND, f"There is nothing at {path}.")
        case SignatureRefused():
            logger.warning("%s: a message was refused: %s", path, error)
            return Problem(problems.BAD_SIGNATURE, str(error))
        case NotJson():
            return Problem(problems.MALFORMED_JSON, str(error))
        case WrongFields(errors=errors):
            return Problem(problems.INVALID_REQUEST, "Some fields are not valid.", errors)
        case _:  # NoOrder
            return Problem(problems.NOT_FOUND, str(error))
