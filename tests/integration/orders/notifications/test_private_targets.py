"""Webhooks never reach the server's own network, by whatever name they are sent there."""

import asyncio
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult
from pytest_django import Settings

from orders.models import Delivery, Endpoint, new_signing_secret
from orders.notifications.outcomes import Delivered, Outcome, RetryLater
from orders.notifications.webhook import targets
from orders.notifications.webhook.calls import call, open_session
from orders.notifications.webhook.deliver import deliver_webhooks
from orders.notifications.webhook.endpoints import state_of

from .conftest import Shop
from .receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)

SPELLINGS = [
    "http://127.0.0.1:{port}/hook",
    "http://0x7f000001:{port}/hook",
    "http://0.0.0.0:{port}/hook",
    "http://localhost:{port}/hook",
    "http://[::ffff:127.0.0.1]:{port}/hook",
    "http://１２７.0.0.1:{port}/hook",
]
# The HTTP client itself takes these for no hosts.
UNKNOWN_SPELLINGS = [
    "http://127.1:{port}/hook",
    "http://2130706433:{port}/hook",
    "http://0177.0.0.1:{port}/hook",
]


@pytest.fixture
def _only_at_connect(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look at no URL before it is called: what counts is the address."""
    monkeypatch.setattr("orders.notifications.webhook.calls.refusal_of", lambda url: "")


def webhook_at(url: str) -> Endpoint:
    """A webhook that was set up when nobody looked."""
    return Endpoint.objects.create(url=url, secret=new_signing_secret())


@pytest.mark.usefixtures("_only_at_connect")
@pytest.mark.parametrize("url", SPELLINGS + UNKNOWN_SPELLINGS)
def test_a_private_address_is_not_called_however_it_is_spelt(
    url: str, shop: Shop, receiver: Receiver, settings: Settings
) -> None:
    webhook_at(url.format(port=receiver.port))
    settings.WEBHOOK_ALLOW_PRIVATE = False
    shop.order()
    deliver_webhooks()

    refused = Delivery.objects.get(endpoint__channel="webhook")
    assert receiver.calls == []
    assert (refused.state, refused.attempts) == ("pending", 1)
    assert re.search("is not a (public|canonical IPv4) address", refused.last_error)


@pytest.mark.usefixtures("_only_at_connect")
@pytest.mark.parametrize("url", SPELLINGS)
def test_each_spelling_would_have_arrived(
    url: str, shop: Shop, receiver: Receiver, settings: Settings
) -> None:
    webhook_at(url.format(port=receiver.port))
    settings.WEBHOOK_ALLOW_PRIVATE = True
    shop.order()
    deliver_webhooks()
    assert len(receiver.calls) == 1


class Rebinding(AbstractResolver):
    """A name server that tells who looks first of a public address, and the next of another."""

    def __init__(self, *then: str) -> None:
        self.answers = [["93.184.216.34"], list(then)]

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        return [
            ResolveResult(
                hostname=host, host=address, port=port, family=socket.AF_INET, proto=0, flags=0
            )
            for address in self.answers.pop(0)
        ]

    async def close(self) -> None: ...


def call_after_a_look(receiver: Receiver, *then: str) -> Outcome:
    async def look_and_call() -> Outcome:
        resolver = Rebinding(*then)
        [looked_at] = await resolver.resolve("shop.example")
        assert looked_at["host"] == "93.184.216.34"
        async with open_session(resolver) as session:
            url = f"http://shop.example:{receiver.port}/hook"
            return await call(session, url, {"webhook-id": "evt_1"}, b"{}")

    return asyncio.run(look_and_call())


@pytest.mark.usefixtures("_only_at_connect")
@pytest.mark.parametrize("then", [["127.0.0.1"], ["10.0.0.1", "127.0.0.1"]], ids=str)
def test_a_name_that_was_public_a_moment_ago_is_refused_by_what_it_is_now(
    then: list[str], receiver: Receiver, settings: Settings
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    settings.WEBHOOK_PORTS = frozenset((receiver.port,))
    outcome = call_after_a_look(receiver, *then)
    assert isinstance(outcome, RetryLater)
    assert "is not a public address" in outcome.error
    assert receiver.calls == []

    settings.WEBHOOK_ALLOW_PRIVATE = True
    assert isinstance(call_after_a_look(receiver, "127.0.0.1"), Delivered)


def test_no_proxy_of_the_environment_connects_in_our_stead(
    shop: Shop, receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, receiver.url("/proxy"))
    monkeypatch.delenv("no_proxy", raising=False)
    webhook_at("http://127.0.0.1:1/")
    shop.order()
    deliver_webhooks()
    assert receiver.calls == []


def test_an_endpoint_that_is_not_permitted_any_more_is_shown_and_fails_with_the_reason_alone(
    shop: Shop, receiver: Receiver, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    reasons = {
        "http://shop.example/": "begin with https",
        "https://127.0.0.1/": "not a public address",
        "https://168.63.129.16/": "not a public address",
        "https://shop.example:22/": "Port 22 is not one of 80, 443",
        "https://shop.example/%00": "control character",
        "https://ada:secret@shop.example/": "user name",
        "https://[::1/": "no URL",
        "https://xn--/": "IDNA",
    }
    refused = {url: webhook_at(url) for url in reasons}
    webhook_at(receiver.url())
    look = targets.refusal_of
    monkeypatch.setattr(
        "orders.notifications.webhook.calls.refusal_of",
        lambda url: "" if url == receiver.url() else look(url),
    )
    monkeypatch.setattr(
        "orders.notifications.webhook.calls.open_socket", lambda info: socket.socket(*info[:3])
    )
    shop.order()
    deliver_webhooks()

    assert len(receiver.calls) == 1
    for url, reason in reasons.items():
        failed = Delivery.objects.get(endpoint=refused[url])
        assert (failed.state, failed.attempts) == ("pending", 1)
        assert reason in failed.last_error
        state, why = state_of(Endpoint.objects.get(pk=refused[url].pk))
        assert (state, reason in why) == ("refused", True)


def test_headers_without_end_are_not_waited_for(settings: Settings) -> None:
    """An answer of endless fields costs its connection, and no more of our memory."""
    settings.WEBHOOK_ALLOW_PRIVATE = True
    with socket.create_server(("127.0.0.1", 0)) as server, ThreadPoolExecutor(1) as pool:
        server.settimeout(10)

        def answer() -> None:
            connection, _ = server.accept()
            with connection, suppress(ConnectionError):
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                for number in range(100_000):
                    connection.sendall(b"x-%d: %s\r\n" % (number, b"y" * 1000))

        answering = pool.submit(answer)
        port = server.getsockname()[1]

        async def call_it() -> Outcome:
            async with open_session() as session:
                return await call(session, f"http://127.0.0.1:{port}/", {"webhook-id": "x"}, b"{}")

        outcome = asyncio.run(call_it())
        answering.result(30)
    assert isinstance(outcome, RetryLater)
