"""manage.py create_webhook and replay_notifications, as an operator meets them."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings
from standardwebhooks import Webhook

from orders.management.commands import replay_notifications
from orders.models import Delivery, Endpoint
from orders.notifications.webhook.deliver import deliver_webhooks

from .conftest import Shop
from .receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)

URL = "https://shop.example/hook"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def webhooks() -> list[Endpoint]:
    return list(Endpoint.objects.filter(channel="webhook"))


@pytest.mark.usefixtures("_private_targets")
def test_create_webhook_prints_the_secret_alone_as_the_last_line(
    shop: Shop, receiver: Receiver
) -> None:
    secret = run("create_webhook", receiver.url()).splitlines()[-1]
    shop.order()
    deliver_webhooks()
    [call] = receiver.calls
    Webhook(secret).verify(call.body, dict(call.headers))


def test_create_webhook_takes_the_events_that_it_is_told() -> None:
    run("create_webhook", URL, "--event", "order.paid", "--event", "order.expired")
    [created] = webhooks()
    assert (created.url, created.events) == (URL, ["order.expired", "order.paid"])
    assert created.active


@pytest.mark.parametrize(
    "arguments",
    [
        [URL, "--event", "order.lost"],
        [URL, "--event", ""],
        ["http://shop.example/hook"],
        ["https://127.0.0.1/hook"],
        ["https://localhost/hook"],
        ["https://ada:secret@shop.example/"],
        ["shop.example"],
        [""],
        [URL + "x" * 500],
        [],
    ],
)
def test_create_webhook_refuses_nonsense_and_changes_nothing(
    arguments: list[str], settings: Settings
) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = False
    with pytest.raises(CommandError):
        run("create_webhook", *arguments)
    assert webhooks() == []


def test_replay_notifications_says_how_many_are_sent_again(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    shop.order()
    shop.order()
    deliver_webhooks()
    Delivery.objects.filter(pk=Delivery.objects.latest("pk").pk).update(state="dead")
    assert "sent again: 1" in run("replay_notifications", "--dead")
    deliver_webhooks()
    assert "sent again: 2" in run("replay_notifications", "--since", "2020-01-01")
    deliver_webhooks()
    assert len(receiver.calls) == 2 + 1 + 2


def test_replay_notifications_takes_times_without_a_zone_as_utc(
    shop: Shop, webhook: Endpoint
) -> None:
    shop.order()
    Delivery.objects.update(state="delivered", created_at="2026-11-27T12:00:00Z")
    late = run("replay_notifications", "--since", "2026-11-27T12:00:01")
    early = run("replay_notifications", "--until", "2026-11-27T14:00+02:00")
    exact = run("replay_notifications", "--since=2026-11-27T12:00", "--until=2026-11-27T12:01")
    assert [told.split()[-1] for told in (late, early, exact)] == ["0", "0", "1"]


def test_replay_notifications_says_what_it_leaves_alone(shop: Shop, webhook: Endpoint) -> None:
    shop.order()
    Delivery.objects.update(state="dead")
    Endpoint.objects.update(active=False)
    told = run("replay_notifications")
    assert "sent again: 0" in told
    assert "endpoints are off: 1" in told


def test_replay_notifications_goes_through_all_of_them_in_parts(
    shop: Shop, webhook: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay_notifications, "BATCH", 2)
    for _ in range(5):
        shop.order()
    Delivery.objects.update(state="dead")
    assert json.loads(run("replay_notifications", "--json")) == {"again": 5, "left_alone": 0}
    assert set(Delivery.objects.values_list("state", flat=True)) == {"pending"}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--since", "yesterday"],
        ["--until", "2026-02-30T12:00"],
        ["--since", ""],
        ["--since", "2026-11-27", "--until", "2026-11-26"],
    ],
)
def test_replay_notifications_refuses_what_is_no_time(
    arguments: list[str], shop: Shop, webhook: Endpoint
) -> None:
    shop.order()
    Delivery.objects.update(state="dead")
    with pytest.raises(CommandError, match=r"--since|--until"):
        run("replay_notifications", *arguments)
    assert Delivery.objects.get().state == "dead"
