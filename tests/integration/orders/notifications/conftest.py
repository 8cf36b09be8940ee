"""A shop whose orders have events, and a webhook that is told of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F
from pytest_django import Settings

from inventory.models import Sale
from orders.domain import EventType
from orders.models import ApiClient, Delivery, Endpoint, Order
from orders.notifications.webhook.endpoints import create_webhook
from orders.services.events import Event, record_events
from tests.conftest import MakeSale
from tests.factories import persisted_order

from .receiver import Receiver


@dataclass(frozen=True)
class Shop:
    """A sale to order in."""

    sale: Sale
    client: ApiClient

    def order(self, *later: EventType, **changes: Any) -> Order:
        """A persisted order, which has its first event, and `later` ones."""
        order = persisted_order(self.sale, self.client, **changes)
        happens(*later, order=order)
        return order


def happens(*types: EventType, order: Order, **changes: Any) -> None:
    """Let more events happen to an order."""
    with transaction.atomic():
        first = order.events.count() + 1
        record_events(
            [Event(order.pk, first + n, type_, **changes) for n, type_ in enumerate(types)]
        )


def all_due() -> None:
    """Let the time come at which everything that waits is due."""
    Delivery.objects.filter(state="pending").update(due_at=F("created_at"))
    Endpoint.objects.update(resume_at=None)


@pytest.fixture(autouse=True)
def _longest_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing to chance: what failed is not due again before the test lets it be."""
    monkeypatch.setattr("orders.notifications.results._uniform", lambda low, high: high)
    monkeypatch.setattr("orders.notifications.webhook.endpoint_queue.GATHER_SECONDS", 0.0)


@pytest.fixture
def shop(make_sale: MakeSale, api_client: tuple[ApiClient, str]) -> Shop:
    return Shop(make_sale("drop", {"TEE": 5000}), api_client[0])


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as running:
        yield running


@pytest.fixture
def _private_targets(settings: Settings) -> None:
    settings.WEBHOOK_ALLOW_PRIVATE = True


@pytest.fixture
def webhook(receiver: Receiver, _private_targets: None) -> Endpoint:
    """An endpoint at the receiver that is told of every event."""
    return create_webhook(url=receiver.url())[0]
