"""Trying a webhook out: one signed call, whose outcome is shown."""

from collections.abc import Callable, Iterator

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings
from standardwebhooks import Webhook

from orders.models import Delivery, Endpoint, new_signing_secret
from tests.integration.orders.notifications.receiver import Receiver

from .conftest import Press

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _own_machine(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True  # the receiver listens here


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def webhook(receiver: Receiver) -> Endpoint:
    return Endpoint.objects.create(url=receiver.url(), secret=new_signing_secret())


def test_a_test_event_arrives_signed_and_says_what_it_is(
    webhook: Endpoint, receiver: Receiver, staff: Callable[..., Client], press: Press
) -> None:
    page = press(staff("test_endpoint"), webhook, "test")

    [call] = receiver.calls
    assert Webhook(webhook.secret).verify(call.body, dict(call.headers)) == call.message
    assert (call.message["type"], call.id[:5]) == ("webhook.test", "test_")
    assert "The test has arrived: it answered HTTP 200." in page
    assert LogEntry.objects.get().object_id == str(webhook.pk)
    assert not Delivery.objects.exists()


def test_what_keeps_a_test_from_arriving_is_shown_and_disables_nothing(
    webhook: Endpoint, receiver: Receiver, admin_client: Client, press: Press
) -> None:
    receiver.behaviour = lambda call: 410
    assert "410 Gone" in press(admin_client, webhook, "test")
    webhook.refresh_from_db()
    assert (webhook.active, webhook.failing_since) == (True, None)


def test_nothing_is_sent_before_a_yes_or_without_permission(
    webhook: Endpoint, receiver: Receiver, admin_client: Client, viewer: Client
) -> None:
    path = f"/admin/orders/endpoint/{webhook.pk}/test/"
    assert "One signed call" in admin_client.get(path).content.decode()
    assert viewer.post(path, {"confirmed": "yes"}).status_code == 403
    assert receiver.calls == []


def test_the_page_of_a_webhook_shows_its_latest_deliveries_and_their_log(
    webhook: Endpoint, admin_client: Client
) -> None:
    page = admin_client.get(f"/admin/orders/endpoint/{webhook.pk}/change/").content.decode()
    assert "Latest deliveries" in page
    assert f"/admin/orders/delivery/?endpoint__id__exact={webhook.pk}" in page


def test_an_endpoint_that_is_not_there_has_no_page(admin_client: Client) -> None:
    for key in ("999999", "none"):
        answer = admin_client.get(f"/admin/orders/endpoint/{key}/change/")
        assert (answer.status_code, answer["Location"]) == (302, "/admin/")
