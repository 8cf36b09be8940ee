"""What we send: the messages that tell a program's URL of events."""

from orders.domain import EventType
from orders.notifications.message import Message

from . import examples, parameters
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
_ANSWERS: Json = {
    "2XX": {"description": "Delivered: it is not sent again."},
    "410": {"description": "No longer wanted: nothing is sent to this URL any more."},
    "429": {"description": "Too many: `Retry-After` says when to come back. 503 just so."},
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
        "parameters": parameters.WEBHOOK_HEADERS,
        "requestBody": {
            "required": True,
            "content": json_content(Message, examples.event(type_)),
        },
        "responses": _ANSWERS,
    }
