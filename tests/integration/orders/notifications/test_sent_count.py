"""What has arrived is counted once, and a Redis that is away holds up no delivery."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings

from orders.models import Delivery, Endpoint
from orders.notifications.webhook.deliver import deliver_webhooks
from orders.services import sent_count
from shop.core.stores.redis import client
from tests.processes import free_port

from .conftest import Shop, all_due
from .receiver import Receiver

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def _without_redis(settings: Settings) -> Iterator[None]:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    client.cache_clear()
    yield
    client.cache_clear()


def delivered() -> int:
    return Delivery.objects.filter(state=Delivery.State.DELIVERED).count()


def test_each_arrival_counts_once_however_many_attempts_it_took(
    shop: Shop, webhook: Endpoint, receiver: Receiver
) -> None:
    receiver.behaviour = lambda call: 503
    shop.order()
    deliver_webhooks()
    assert sent_count.totals() == {}
    receiver.behaviour = lambda call: 204
    shop.order()
    all_due()
    deliver_webhooks()
    assert sent_count.totals() == {"webhook": delivered()} == {"webhook": 2}


@pytest.mark.usefixtures("_without_redis")
def test_without_redis_a_delivery_is_recorded_all_the_same(shop: Shop, webhook: Endpoint) -> None:
    shop.order()
    deliver_webhooks()
    assert delivered() == 1
