"""The webhooks: signed messages about events, sent to a program's URL."""

from orders.domain import EventType
from orders.notifications.webhook.message import Message

from . import examples, parameters
from .headers import header_references
from .responses import json_content
from .shapes import Json

_HAPPENED = {
    EventType.PLACED: "An order is persisted: it awaits its payment, or is confirmed",
    EventType.PAID: "An order is paid",
    EventType.CANCELLED: "A client has cancelled an order",
    EventType.EXPIRED: "An order was not paid in time",
    EventType.REJECTED: "An accepted order was refused after all",
    EventType.REFUNDED: "An order's payment has gone back",
}
_LATER: Json = {
    "description": "Not now: sent again, no sooner than `Retry-After` says.",
    "headers": header_references("Retry-After"),
}
_ANSWERS: Json = {
    "2XX": {"description": "Delivered: it is not sent again."},
    "410": {"description": "No longer wanted: nothing is sent to this URL any more."},
    "429": _LATER,
    "503": _LATER,
    "default": {"description": "Sent again, with growing pauses, for up to three days."},
}


def webhooks() -> Json:
    """Return each kind of message by its type."""
    return {type_.value: {"post": _message(type_)} for type_ in EventType}


def _message(type_: EventType) -> Json:
    return {
        "operationId": "told" + type_.name.title(),
        "tags": ["Webhooks"],
        "summary": _HAPPENED[type_],
        "description": "Verify the signature over the bytes as they came before anything else.",
        "security": [],
        "parameters": [*parameters.WEBHOOK_HEADERS, parameters.TRACEPARENT],
        "requestBody": {
            "required": True,
            "content": json_content(Message, examples.event(type_)),
        },
        "responses": _ANSWERS,
    }
