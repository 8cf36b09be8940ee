"""One webhook call: what is sent, and what the answer means."""

import asyncio
from collections.abc import Mapping

import aiohttp
from aiohttp.abc import AbstractResolver
from django.conf import settings

from orders.notifications.backoff import retry_after_seconds
from orders.notifications.outcomes import Delivered, DisableEndpoint, Outcome, RetryLater
from shop.core import clock

from .targets import open_socket, refusal_of

CONNECT_SECONDS = 5.0
ANSWER_BYTES = 1024  # as much of an answer is read, so that its connection can be used again
DNS_CACHE_SECONDS = 10
HEADERS = {"content-type": "application/json", "user-agent": "flash-sale-orders webhooks"}
GONE = 410
# Both may come with Retry-After (RFC 6585, section 4; RFC 9110, section 15.6.4).
ASK_TO_WAIT = (429, 503)


def open_session(resolver: AbstractResolver | None = None) -> aiohttp.ClientSession:
    """Return a session that keeps its connections, and connects to permitted addresses only."""
    connector = aiohttp.TCPConnector(
        limit=0,  # the queues per endpoint bound how many calls are under way
        resolver=resolver,
        ttl_dns_cache=DNS_CACHE_SECONDS,
        socket_factory=open_socket,
    )
    timeout = aiohttp.ClientTimeout(
        total=settings.NOTIFY_TIMEOUT_SECONDS, connect=CONNECT_SECONDS, sock_connect=CONNECT_SECONDS
    )
    return aiohttp.ClientSession(
        connector=connector,
        timeout=timeout,
        headers=HEADERS,
        trust_env=False,  # a proxy would connect in our stead, to addresses that nobody has checked
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )


async def call(
    session: aiohttp.ClientSession, url: str, headers: Mapping[str, str], body: bytes
) -> Outcome:
    """Send one message. Never raises for what the other side, or the way to it, does."""
    if refused := refusal_of(url):  # it was permitted when it was set up
        return RetryLater(refused)
    try:
        async with session.post(url, data=body, headers=headers, allow_redirects=False) as answer:
            await _skim(answer)
            return _outcome_of(answer.status, answer.headers)
    except TimeoutError as error:
        return RetryLater(str(error) or f"no answer within {settings.NOTIFY_TIMEOUT_SECONDS:g} s")
    except (aiohttp.ClientError, OSError, ValueError) as error:
        return RetryLater(f"{type(error).__name__}: {error}")


async def _skim(answer: aiohttp.ClientResponse) -> None:
    """Read a short answer to its end; a long one costs its connection."""
    try:
        await answer.content.readexactly(ANSWER_BYTES)
    except asyncio.IncompleteReadError:
        return  # that was all of it
    answer.close()


def _outcome_of(status: int, headers: Mapping[str, str]) -> Outcome:
    if 200 <= status < 300:
        return Delivered(status)
    if status == GONE:
        return DisableEndpoint("it answered 410 Gone", status)
    if 300 <= status < 400:
        return RetryLater(f"HTTP {status}: redirects are not followed", status)
    wait = retry_after_seconds(headers.get("Retry-After"), now=clock.now())
    if wait is not None and status in ASK_TO_WAIT:
        return RetryLater(f"HTTP {status}, Retry-After {wait:g} s", status, wait, True)
    return RetryLater(f"HTTP {status}", status)
