"""Webhooks and deliveries: set up, looked at, sent again."""

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from pytest_django import Settings

from orders.models import Delivery, Endpoint
from orders.notifications.webhook import endpoints
from orders.notifications.webhook.endpoints import create_webhook
from shop.core import clock

from .conftest import Act, Press, Sold

pytestmark = pytest.mark.django_db

SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]{44}")
LIST = "/admin/orders/endpoint/"
MODEL = "orders/endpoint"
DELIVERIES = "orders/delivery"


@pytest.fixture(autouse=True)
def _public_targets_only(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False


@pytest.fixture
def webhook(sold: Sold) -> Endpoint:
    return Endpoint.objects.get(channel="webhook")


@pytest.fixture
def delivery(webhook: Endpoint) -> Delivery:
    return Delivery.objects.get(endpoint=webhook)


def test_a_new_webhook_gets_a_secret_that_is_shown_once(admin_client: Client) -> None:
    form = {"url": "https://new.example/", "events": ["order.paid"], "active": "on"}
    page = admin_client.post(f"{LIST}add/", form, follow=True).content.decode()
    created = Endpoint.objects.get(url="https://new.example/")
    assert SECRET.findall(page) == [created.secret]
    assert (created.channel, created.events, created.active) == ("webhook", ["order.paid"], True)
    for place in (LIST, f"{LIST}{created.pk}/change/", f"{LIST}{created.pk}/history/"):
        assert not SECRET.search(admin_client.get(place).content.decode())


def test_a_webhook_can_be_made_switched_off_and_told_everything(admin_client: Client) -> None:
    admin_client.post(f"{LIST}add/", {"url": "https://new.example/"})
    created = Endpoint.objects.get(url="https://new.example/")
    assert (created.active, created.events) == (False, [])


@pytest.mark.parametrize("url", ["", "http://new.example/", "https://127.0.0.1/", "https://[::1]/"])
def test_a_url_that_no_webhook_may_go_to_is_refused(url: str, admin_client: Client) -> None:
    page = admin_client.post(f"{LIST}add/", {"url": url, "active": "on"})
    assert page.status_code == 200
    assert "errorlist" in page.content.decode()
    assert not Endpoint.objects.filter(channel="webhook").exists()


def test_a_webhook_is_not_moved_to_a_private_address(
    webhook: Endpoint, admin_client: Client
) -> None:
    page = admin_client.post(f"{LIST}{webhook.pk}/change/", {"url": "https://10.0.0.1/"})
    assert "not a public address" in page.content.decode()
    webhook.refresh_from_db()
    assert webhook.url == "https://shop.example/hook"


def test_a_webhook_is_given_other_events_and_nothing_else_changes(
    webhook: Endpoint, admin_client: Client
) -> None:
    Endpoint.objects.filter(pk=webhook.pk).update(failing_since=clock.now())
    before = Endpoint.objects.filter(pk=webhook.pk).values().get()
    form = {"url": webhook.url, "events": ["order.paid", "order.expired"], "active": "on"}
    assert admin_client.post(f"{LIST}{webhook.pk}/change/", form).status_code == 302
    after = Endpoint.objects.filter(pk=webhook.pk).values().get()
    assert after == before | {"events": ["order.paid", "order.expired"]}


def test_a_channel_to_customers_is_switched_on_and_keeps_its_kind(
    sold: Sold, admin_client: Client
) -> None:
    sms = Endpoint.objects.get(channel="sms")
    form = {"active": "on", "channel": "webhook", "url": "https://new.example/"}
    assert admin_client.post(f"{LIST}{sms.pk}/change/", form).status_code == 302
    sms.refresh_from_db()
    assert (sms.active, sms.channel, sms.url) == (True, "sms", "")


def test_a_new_secret_is_shown_once_and_the_old_one_stays_valid_for_a_day(
    webhook: Endpoint, admin_client: Client, press: Press
) -> None:
    [shown] = SECRET.findall(press(admin_client, webhook, "secret"))
    rotated = Endpoint.objects.get(pk=webhook.pk)
    assert (rotated.secret, rotated.previous_secret) == (shown, webhook.secret)
    assert rotated.previous_secret_until
    assert rotated.previous_secret_until > clock.now() + timedelta(hours=23)
    assert not SECRET.search(admin_client.get(LIST).content.decode())
    assert shown not in LogEntry.objects.get(object_id=webhook.pk).change_message


def test_a_channel_to_customers_has_no_secret_to_rotate(
    sold: Sold, admin_client: Client, press: Press
) -> None:
    mail = Endpoint.objects.get(channel="email")
    assert "This is no webhook" in press(admin_client, mail, "secret")
    assert Endpoint.objects.get(pk=mail.pk).secret == ""


def test_a_webhook_is_disabled_and_enabled_with_a_clean_record(
    webhook: Endpoint, admin_client: Client, act: Act
) -> None:
    act(admin_client, MODEL, "disable", webhook)
    webhook.refresh_from_db()
    assert not webhook.active
    now = clock.now()
    Endpoint.objects.filter(pk=webhook.pk).update(
        disabled_reason="410", failing_since=now, resume_at=now
    )
    act(admin_client, MODEL, "enable", webhook)
    webhook.refresh_from_db()
    assert webhook.active
    assert (webhook.disabled_reason, webhook.failing_since, webhook.resume_at) == ("", None, None)


@pytest.mark.parametrize("action", ["enable", "disable"])
def test_a_viewer_cannot_change_a_webhook(
    action: str, webhook: Endpoint, viewer: Client, act: Act
) -> None:
    before = Endpoint.objects.filter(pk=webhook.pk).values().get()
    act(viewer, MODEL, action, webhook)
    assert Endpoint.objects.filter(pk=webhook.pk).values().get() == before


def test_a_webhook_cannot_be_deleted(webhook: Endpoint, admin_client: Client) -> None:
    answer = admin_client.post(f"{LIST}{webhook.pk}/delete/", {"post": "yes"})
    assert answer.status_code == 403


def test_deliveries_link_to_their_order_and_can_be_filtered_by_state(
    delivery: Delivery, sold: Sold, admin_client: Client
) -> None:
    page = admin_client.get(f"/admin/{DELIVERIES}/").content.decode()
    assert f"/admin/orders/order/{sold.order.pk}/change/" in page
    dead = admin_client.get(f"/admin/{DELIVERIES}/?state__exact=dead")
    assert list(dead.context["cl"].result_list) == []
    Delivery.objects.update(state="dead")
    dead = admin_client.get(f"/admin/{DELIVERIES}/?state__exact=dead")
    assert list(dead.context["cl"].result_list) == [delivery]


def test_what_was_given_up_is_sent_again(
    delivery: Delivery, admin_client: Client, act: Act
) -> None:
    Delivery.objects.update(state="dead", attempts=10)
    assert "sent again: 1" in act(admin_client, DELIVERIES, "replay", delivery)
    delivery.refresh_from_db()
    assert (delivery.state, delivery.attempts) == ("pending", 0)


def test_what_belongs_to_an_endpoint_that_is_off_is_left_alone(
    delivery: Delivery, admin_client: Client, act: Act
) -> None:
    Delivery.objects.update(state="dead")
    Endpoint.objects.update(active=False)
    assert "endpoints are off: 1" in act(admin_client, DELIVERIES, "replay", delivery)
    delivery.refresh_from_db()
    assert delivery.state == "dead"


def test_a_viewer_cannot_send_again(delivery: Delivery, viewer: Client, act: Act) -> None:
    Delivery.objects.update(state="dead")
    act(viewer, DELIVERIES, "replay", delivery)
    delivery.refresh_from_db()
    assert delivery.state == "dead"


# --- Whose it is --------------------------------------------------------------------------------


def test_a_webhook_is_made_for_a_client_or_for_the_whole_shop(
    sold: Sold, admin_client: Client
) -> None:
    form = {"url": "https://new.example/", "active": "on"}
    admin_client.post(f"{LIST}add/", form | {"client": str(sold.client.pk)})
    admin_client.post(f"{LIST}add/", form | {"client": ""})
    owners = Endpoint.objects.filter(url="https://new.example/").values_list("client", flat=True)
    assert list(owners) == [sold.client.pk, None]


def test_the_list_says_whose_each_webhook_is_and_shows_those_of_one(
    sold: Sold, admin_client: Client
) -> None:
    theirs, _ = create_webhook(url="https://new.example/", client=sold.client)
    page = admin_client.get(LIST).content.decode()
    assert "the whole shop" in page
    assert sold.client.name in page
    of_client = admin_client.get(f"{LIST}?client={sold.client.pk}").context["cl"].result_list
    assert list(of_client) == [theirs]
    of_shop = admin_client.get(f"{LIST}?client=shop").context["cl"].result_list
    assert theirs not in of_shop
    assert admin_client.get(f"{LIST}?client=nonsense").status_code == 400
    assert sold.client.name in admin_client.get(f"{LIST}{theirs.pk}/change/").content.decode()


def test_whose_a_webhook_is_cannot_be_changed(
    sold: Sold, webhook: Endpoint, admin_client: Client
) -> None:
    form = {"url": webhook.url, "active": "on", "client": str(sold.client.pk)}
    assert admin_client.post(f"{LIST}{webhook.pk}/change/", form).status_code == 302
    webhook.refresh_from_db()
    assert webhook.client is None


def test_the_same_webhook_twice_is_refused_with_the_one_that_is_there(
    sold: Sold, admin_client: Client
) -> None:
    there, _ = create_webhook(url="https://new.example/", client=sold.client)
    form = {"url": "https://NEW.example", "client": str(sold.client.pk), "active": "on"}
    page = admin_client.post(f"{LIST}add/", form).content.decode()
    assert f"Webhook {there.pk} tells https://new.example/" in page
    other, _ = create_webhook(url="https://other.example/", client=sold.client)
    page = admin_client.post(f"{LIST}{other.pk}/change/", form).content.decode()
    assert f"Webhook {there.pk} tells https://new.example/" in page
    other.refresh_from_db()
    assert other.url == "https://other.example/"


def test_the_same_webhook_by_two_at_once_is_refused_to_the_slower(
    sold: Sold, admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    create_webhook(url="https://new.example/")
    look, looked = endpoints.refuse_repetition, []

    def look_but_at_first(endpoint: Endpoint) -> None:
        looked.append(endpoint)
        if len(looked) > 2:  # the form's look, and that of the service before it writes
            look(endpoint)

    monkeypatch.setattr(endpoints, "refuse_repetition", look_but_at_first)
    form = {"url": "https://new.example/", "active": "on"}
    page = admin_client.post(f"{LIST}add/", form, follow=True).content.decode()
    assert "tells https://new.example/ all events" in page
    assert Endpoint.objects.filter(url="https://new.example/").count() == 1
