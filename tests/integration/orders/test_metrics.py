"""What Prometheus is told is true, also of a store that is away."""

import pytest
import redis
from django.test import Client
from pytest_django import Settings

from inventory.models import Sale
from orders.models import ApiClient
from orders.reconciliation.history import reconcile_all
from shop.core import clock
from shop.core.tasks import progress
from tests.conftest import MakeSale
from tests.factories import dead_letter
from tests.life import place, placed
from tests.placing import Request
from tests.scrapes import figures

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    return make_sale("drop", {"TEE": 50})


def test_units_backlog_drift_and_progress_are_told(
    sale: Sale, api_client: tuple[ApiClient, str]
) -> None:
    client, key = api_client
    placed(sale, key, Request("k-1", lines={"TEE": 2}))
    place(key, Request("k-2"))
    dead_letter(sale, client)
    reconcile_all(now=clock.now())
    progress.report("sweep")
    told = figures()
    assert told["shop_units", "drop", "TEE", "held"] == 2
    assert told["shop_units", "drop", "TEE", "allocated"] == 50
    assert told["shop_outbox_entries", "drop"] == 1
    assert told["shop_outbox_oldest_seconds", "drop"] >= 0
    assert told["shop_waiting_for_a_person", "dead letters"] == 1
    assert told["shop_progress_age_seconds", "sweep"] >= 0
    assert told["shop_up", "redis"] == told["shop_up", "postgresql"] == 1
    assert ("shop_drift_units", "drop") in told


def test_a_store_that_is_away_is_told_to_be_away(
    sale: Sale, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away() -> None:
        raise redis.ConnectionError

    reconcile_all(now=clock.now())
    monkeypatch.setattr(progress, "ages", away)
    told = figures()
    assert (told["shop_up", "redis"], told["shop_up", "postgresql"]) == (0, 1)
    assert told["shop_drift_units", "drop"] == 0
    assert ("shop_outbox_entries", "drop") not in told


TOKEN = "of-the-scrape-0123"


@pytest.mark.parametrize(
    "authorization",
    [None, "", TOKEN, "Bearer", "Bearer ", f"Basic {TOKEN}", f"Bearer {TOKEN}4", "Bearer é"],
)
def test_metrics_with_a_token_are_shown_to_nobody_else(
    authorization: str | None, settings: Settings
) -> None:
    settings.METRICS_TOKEN = TOKEN
    headers = {} if authorization is None else {"authorization": authorization}
    reply = Client().get("/metrics", headers=headers)
    assert (reply.status_code, reply["WWW-Authenticate"]) == (401, "Bearer")
    assert reply.json()["type"] == "/problems/no-metrics-token"
    assert TOKEN not in reply.content.decode()


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer  "])
def test_metrics_with_a_token_are_shown_for_it(scheme: str, settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    reply = Client().get("/metrics", headers={"authorization": f"{scheme}{TOKEN}"})
    assert reply.status_code == 200
