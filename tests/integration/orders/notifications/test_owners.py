"""Whose webhook it is: a client's, which is told of that client's orders alone, or the shop's."""

import json
from importlib import import_module
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import IntegrityError
from django.db.models import ProtectedError

from orders.domain import EventType
from orders.errors import EndpointExists
from orders.models import ApiClient, Delivery, Endpoint, new_signing_secret
from orders.notifications.replay import ended_deliveries, replay
from orders.notifications.webhook import endpoints
from orders.notifications.webhook.deliver import deliver_webhooks
from orders.notifications.webhook.endpoints import create_webhook
from orders.services.clients import create_client

from .conftest import Shop, happens
from .receiver import Receiver
from .test_endpoint_queue import in_threads

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("_private_targets"),
]

URL = "https://shop.example/hook"
# The same place, in other words.
SPELLINGS = [
    URL,
    "HTTPS://Shop.Example/hook",
    "https://shop.example:443/hook",
    "https://shop.example./hook",
    "https://shop.example/a/../hook",
    "https://shop.example/%68ook",
    "https://shop.example/hook?",
]
OTHERS = [
    "https://shop.example/",
    "https://shop.example/Hook",
    "https://shop.example/hook/",
    "https://shop.example/hook?a",
    "https://shop.example:8443/hook",
    "http://shop.example/hook",
    "https://a.shop.example/hook",
]


@pytest.fixture
def other(shop: Shop) -> Shop:
    """The same sale, where another client orders."""
    return Shop(shop.sale, create_client(name="partner")[0])


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def orders_told(receiver: Receiver, path: str) -> set[str]:
    return {call.order for call in receiver.calls if call.path == path}


def webhooks() -> int:
    return Endpoint.objects.filter(channel="webhook").count()


# --- What is told to whom -----------------------------------------------------------------------


def test_the_webhook_of_a_client_is_told_of_its_orders_alone_and_the_shops_of_all(
    shop: Shop, other: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    create_webhook(url=receiver.url("/mine"), client=shop.client)
    create_webhook(url=receiver.url("/theirs"), client=other.client)
    mine, theirs = shop.order(EventType.PAID), other.order(EventType.PAID)
    happens(EventType.REFUNDED, order=theirs)
    deliver_webhooks()
    assert orders_told(receiver, "/mine") == {str(mine.pk)}
    assert orders_told(receiver, "/theirs") == {str(theirs.pk)}
    assert orders_told(receiver, "/hook") == {str(mine.pk), str(theirs.pk)}
    assert [len(receiver.ids(path)) for path in ("/mine", "/theirs", "/hook")] == [2, 3, 5]


def test_what_is_sent_again_is_of_that_client_too(
    shop: Shop, other: Shop, receiver: Receiver
) -> None:
    create_webhook(url=receiver.url("/mine"), client=shop.client)
    mine, _ = shop.order(), other.order()
    deliver_webhooks()
    Delivery.objects.update(state="dead")
    run("replay_notifications", "--dead")
    deliver_webhooks()
    run("replay_notifications")
    deliver_webhooks()
    assert [call.order for call in receiver.calls] == [str(mine.pk)] * 3


def test_a_delivery_of_a_strange_order_is_given_up_and_not_sent(
    shop: Shop, other: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    shop.order(EventType.PAID)
    Endpoint.objects.filter(pk=webhook.pk).update(client=other.client)
    theirs = other.order()
    deliver_webhooks()
    assert orders_told(receiver, "/hook") == {str(theirs.pk)}
    given_up = Delivery.objects.filter(endpoint=webhook, state="dead")
    assert {row.last_error for row in given_up} == {
        "the order is of another client than the endpoint"
    }
    assert len(given_up) == 2
    replay(ended_deliveries(dead_only=True))
    deliver_webhooks()
    assert orders_told(receiver, "/hook") == {str(theirs.pk)}


# --- A client that is switched off --------------------------------------------------------------


def test_the_webhooks_of_a_client_that_is_switched_off_wait_and_miss_nothing(
    shop: Shop, other: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    create_webhook(url=receiver.url("/mine"), client=shop.client)
    ApiClient.objects.filter(pk=shop.client.pk).update(active=False)
    mine = shop.order(EventType.PAID)
    other.order()
    deliver_webhooks()
    assert receiver.ids("/mine") == []
    assert len(receiver.ids("/hook")) == 3
    assert Delivery.objects.filter(order_id=mine.pk, state="pending").count() == 2

    ApiClient.objects.filter(pk=shop.client.pk).update(active=True)
    deliver_webhooks()
    assert len(receiver.ids("/mine")) == 2


def test_a_client_that_is_switched_off_gets_nothing_again(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    create_webhook(url=receiver.url("/mine"), client=shop.client)
    shop.order()
    deliver_webhooks()
    ApiClient.objects.filter(pk=shop.client.pk).update(active=False)
    assert replay(ended_deliveries()) == (1, 1)


def test_a_client_that_has_a_webhook_is_not_deleted(shop: Shop) -> None:
    create_webhook(url=URL, client=shop.client)
    with pytest.raises(ProtectedError):
        shop.client.delete()


# --- The same one twice -------------------------------------------------------------------------


@pytest.mark.parametrize("url", SPELLINGS)
@pytest.mark.parametrize("name", [None, "storefront"])
def test_the_same_webhook_is_refused_with_the_one_that_is_there(
    url: str, name: str | None, shop: Shop
) -> None:
    whose = ["--client", name] if name else []
    run("create_webhook", URL, *whose)
    [there] = Endpoint.objects.filter(channel="webhook")
    with pytest.raises(CommandError) as refused:
        run("create_webhook", url, *whose, "--event", "order.paid")
    assert refused.value.returncode == 1
    text = str(refused.value)
    assert f"Webhook {there.pk} tells {URL}" in text
    assert (name or "the whole shop") in text
    assert "\n" not in text
    assert webhooks() == 1


@pytest.mark.parametrize("url", OTHERS)
def test_another_url_is_another_webhook(url: str) -> None:
    create_webhook(url=URL)
    create_webhook(url=url)
    assert webhooks() == 2


def test_one_url_may_be_told_by_each_client_and_by_the_shop(shop: Shop, other: Shop) -> None:
    for client in (None, shop.client, other.client):
        create_webhook(url=URL, client=client)
    assert webhooks() == 3


@pytest.mark.parametrize("of_client", [False, True])
def test_of_many_who_create_the_same_at_once_one_succeeds(
    of_client: bool, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = endpoints.refuse_repetition
    looked: list[int] = []

    def look_when_it_is_too_late(endpoint: Endpoint) -> None:
        if looked.append(1) or len(looked) > 4:
            look(endpoint)

    monkeypatch.setattr(endpoints, "refuse_repetition", look_when_it_is_too_late)

    def create() -> str:
        try:
            create_webhook(url=URL, client=shop.client if of_client else None)
        except EndpointExists:
            return "refused"
        return "created"

    assert sorted(in_threads(4, create)) == ["created", "refused", "refused", "refused"]
    assert webhooks() == 1


def test_the_database_refuses_a_channel_to_customers_that_belongs_to_a_client(shop: Shop) -> None:
    with pytest.raises(IntegrityError):
        Endpoint.objects.filter(channel="email").update(client=shop.client)


def test_one_that_is_switched_off_is_switched_on_instead(shop: Shop) -> None:
    run("create_webhook", URL, "--client", "storefront")
    run("create_webhook", URL)
    assert "orders of storefront" in run("disable_webhook", SPELLINGS[1], "--client", "storefront")
    with pytest.raises(CommandError, match="enable_webhook"):
        run("create_webhook", URL, "--client", "storefront")
    assert set(Endpoint.objects.filter(url=URL).values_list("client__name", "active")) == {
        ("storefront", False),
        (None, True),
    }
    run("enable_webhook", URL, "--client", "storefront")
    assert set(Endpoint.objects.filter(url=URL).values_list("active", flat=True)) == {True}


# --- Commands -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["nobody", "", "Storefront"])
def test_a_client_that_there_is_not_gets_no_webhook(name: str, shop: Shop) -> None:
    with pytest.raises(CommandError, match=r"There is no client|blank") as refused:
        run("create_webhook", URL, "--client", name)
    assert refused.value.returncode == 1
    assert webhooks() == 0


def test_the_secret_of_a_clients_webhook_is_the_last_line_alone(shop: Shop) -> None:
    assert run("create_webhook", URL, "--client", "storefront").splitlines() == [
        Endpoint.objects.get(url=URL).secret
    ]


def test_list_webhooks_says_whose_each_is(shop: Shop, other: Shop) -> None:
    create_webhook(url=URL)
    create_webhook(url=URL, client=shop.client, events=[EventType.PAID])
    create_webhook(url=URL, client=other.client)
    ApiClient.objects.filter(pk=other.client.pk).update(active=False)
    table = run("list_webhooks").splitlines()
    assert len(table) == 4
    assert "the whole shop" in table[1]
    assert all(word in table[2] for word in (URL, "storefront", "order.paid", "on"))
    assert "waits" in table[3]
    listed: dict[str, Any] = json.loads(run("list_webhooks", "--client", "storefront", "--json"))
    [webhook] = listed["webhooks"]
    assert (webhook["client"], webhook["events"], webhook["state"]) == (
        "storefront",
        ["order.paid"],
        "on",
    )
    assert "whsec_" not in "".join(table)


# --- Those that were there before ---------------------------------------------------------------


def test_of_webhooks_that_were_there_twice_all_stay_the_shops_and_no_more_are_added() -> None:
    for url in (URL, SPELLINGS[1], OTHERS[0], "https://[::1/"):
        Endpoint.objects.create(url=url, secret=new_signing_secret())
    import_module("orders.migrations.0009_whose_webhook")._name_targets(apps, None)
    found = Endpoint.objects.filter(channel="webhook").order_by("pk")
    assert [row.target for row in found] == [URL, "", OTHERS[0], ""]
    assert {row.client for row in found} == {None}
    with pytest.raises(EndpointExists):
        create_webhook(url=URL)
