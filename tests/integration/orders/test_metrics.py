"""What Prometheus is told is true, also of a store that is away."""

import pytest
import redis

from inventory.models import Sale
from orders.models import ApiClient
from orders.services.reconciliations import reconcile_all
from shop.core import clock, progress
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
