"""The endpoints that payment providers call: check the signature, one call, map the outcome."""

import logging
from collections.abc import Mapping
from functools import partial
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse

from orders import problems
from orders.decoding import NotJson, WrongFields
from orders.errors import OrderUnknown, PaymentMismatch
from orders.models import PaymentNotice
from orders.payments import standard, stripe
from orders.payments.news import Ignored, NoOrder, NotConfigured, Provider, SignatureRefused
from orders.problems import Problem, Refused
from orders.services.payments import take_news
from shop.core.threads import in_thread

from .endpoint import View, endpoint

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 64 * 1024
IGNORED = "ignored"


_REFUSALS = (
    NotConfigured,
    SignatureRefused,
    NotJson,
    WrongFields,
    NoOrder,
    OrderUnknown,
    PaymentMismatch,
)


def messages_of(provider: Provider) -> View[[]]:
    """Return the endpoint that takes a provider's messages."""

    @endpoint("POST")
    async def view(request: HttpRequest) -> HttpResponse:
        return await take_message(request, provider, request.headers, _body(request))

    return view


async def take_message(
    request: HttpRequest, provider: Provider, headers: Mapping[str, str], body: bytes
) -> HttpResponse:
    """Answer a provider's message: the one way in, whoever brings it. Raises Refused."""
    try:
        # Not in the event loop: an adapter may have to import its provider's library first.
        notice_id, state = await in_thread(_take, provider, headers, body)
    except _REFUSALS as error:
        raise Refused(_problem(request, error)) from error
    return JsonResponse({"notice": notice_id, "state": state})


callback = messages_of(standard.PROVIDER)
stripe_events = messages_of(stripe.PROVIDER)


def _body(request: HttpRequest) -> bytes:
    """Return the body, of whatever media type: the signature vouches for the bytes alone."""
    body = request.read(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        detail = f"A payment provider's message has at most {MAX_BODY_BYTES} bytes."
        raise Refused(Problem(problems.BODY_TOO_LARGE, detail))
    return body


def _take(provider: Provider, headers: Mapping[str, str], body: bytes) -> tuple[str, str]:
    """Return the id of a message, and what became of it. Raises one of _REFUSALS."""
    news = provider.read(headers, body, partial(_order_of, provider.name))
    if isinstance(news, Ignored):
        return news.notice_id, IGNORED
    try:
        notice = take_news(news)
    except PaymentMismatch:
        if not provider.resends_refused:
            raise
        return news.notice_id, PaymentNotice.State.REFUSED
    return notice.notice_id, notice.state


def _order_of(provider: str, reference: str) -> UUID | None:
    """Return which order earlier news of a payment were about."""
    known = PaymentNotice.objects.filter(provider=provider, reference=reference)
    return known.values_list("order_id", flat=True).first()


def _problem(request: HttpRequest, error: Exception) -> Problem:
    match error:
        case NotConfigured():
            return Problem(problems.NOT_FOUND, f"There is nothing at {request.path}.")
        case SignatureRefused():
            logger.warning("%s: a message was refused: %s", request.path, error)
            return Problem(problems.BAD_SIGNATURE, str(error))
        case NotJson():
            return Problem(problems.MALFORMED_JSON, str(error))
        case WrongFields(errors=errors):
            return Problem(problems.INVALID_REQUEST, "Some fields are not valid.", errors)
        case PaymentMismatch():
            return Problem(problems.PAYMENT_MISMATCH, str(error))
        case _:  # NoOrder, OrderUnknown
            return Problem(problems.NOT_FOUND, str(error))
