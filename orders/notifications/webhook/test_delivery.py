"""Trying a webhook out: one signed call that says of itself that it is a test."""

import asyncio
import secrets

import msgspec

from orders.models import Endpoint
from orders.notifications.outcomes import Outcome
from shop.core import clock

from .calls import call, open_session
from .signatures import signed_headers, signers

TYPE = "webhook.test"


class Trial(msgspec.Struct, frozen=True):
    """The payload of a test. It is about no order, so it has no sequence and no order's fields."""

    type: str
    timestamp: str  # RFC 3339
    data: dict[str, str]


def send_test(endpoint: Endpoint) -> Outcome:
    """Call a webhook as any event would: the same signature, time-outs and checks of its address.

    Nothing is written down, tried again or disabled for it. Takes as long as the answer does, at
    most NOTIFY_TIMEOUT_SECONDS.
    """
    now = clock.now()
    body = msgspec.json.encode(
        Trial(TYPE, clock.rfc3339(clock.to_ms(now)), {"message": "A test, about no order."})
    )
    message_id = f"test_{secrets.token_hex(12)}"
    headers = signed_headers(signers(endpoint, now=now), message_id, body, now=now)
    return asyncio.run(_call(endpoint.url, headers, body))


async def _call(url: str, headers: dict[str, str], body: bytes) -> Outcome:
    async with open_session() as session:
        return await call(session, url, headers, body)
