"""A sale with an order of two lines, and people who may see everything or change it."""

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from inventory.models import Sale
from orders.models import ApiClient, DeadLetter, Order
from tests.conftest import MakeSale
from tests.factories import dead_letter, persisted_order

Act = Callable[..., str]


class Sold(NamedTuple):
    sale: Sale
    client: ApiClient
    order: Order
    letter: DeadLetter


@pytest.fixture
def sold(db: None, make_sale: MakeSale, api_client: tuple[ApiClient, str]) -> Sold:
    """An order of ada for two TEEs and a CAP under the request id "k-1", and a dead letter."""
    sale, client = make_sale("drop", {"TEE": 50, "CAP": 10}), api_client[0]
    return Sold(
        sale,
        client,
        persisted_order(sale, client, {"TEE": 2, "CAP": 1}, key="k-1", metadata={"basket": "b-7"}),
        dead_letter(sale, client, {"CAP": 3}, key="k-dead", customer="lost"),
    )


@pytest.fixture
def viewer(db: None) -> Client:
    """A member of staff who may see everything and change nothing."""
    user = User.objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def act() -> Act:
    """Run an action on rows of a list and return the page that follows."""

    def run(client: Client, model: str, action: str, *rows: Any) -> str:
        data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
        return client.post(f"/admin/{model}/", data, follow=True).content.decode()

    return run
