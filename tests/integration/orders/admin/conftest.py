"""A sale with an order of two lines, and people who may see everything or change it."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from inventory.models import Sale
from orders.admin.confirmation import CONFIRMED
from orders.models import (
    ApiClient,
    DeadLetter,
    Endpoint,
    LostOrder,
    Order,
    PaymentNotice,
    ProviderMessage,
    ReconciliationRecord,
    new_signing_secret,
)
from tests.conftest import MakeSale
from tests.factories import dead_letter, persisted_order

Act = Callable[..., str]
Press = Callable[..., str]


class Sold(NamedTuple):
    sale: Sale
    client: ApiClient
    order: Order
    letter: DeadLetter


@pytest.fixture
def sold(db: None, make_sale: MakeSale, api_client: tuple[ApiClient, str]) -> Sold:
    """An order of ada for two TEEs and a CAP under the request id "k-1", which a webhook is to be
    told of and a payment has come for; a dead letter, a lost order, a reconciliation."""
    Endpoint.objects.create(url="https://shop.example/hook", secret=new_signing_secret())
    sale, client = make_sale("drop", {"TEE": 50, "CAP": 10}), api_client[0]
    lines, metadata = {"TEE": 2, "CAP": 1}, {"basket": "b-7"}
    order = persisted_order(sale, client, lines, key="k-1", metadata=metadata)
    ReconciliationRecord.objects.create(sale=sale, drift=0)
    LostOrder.objects.create(order_id=UUID(int=7), sale=sale, client=client)
    PaymentNotice.objects.create(
        provider="standard",
        notice_id="msg-of-sold",
        type=PaymentNotice.Type.FAILED,
        order_id=order.pk,
        amount=order.total,
        currency=order.currency,
        reference="pay-1",
        state=PaymentNotice.State.PENDING,
    )
    ProviderMessage.objects.create(
        provider="standard",
        notice_id="msg-of-dispute",
        digest=b"d" * 16,
        kind=ProviderMessage.Kind.MONEY,
        type="payment.disputed",
        order_id=order.pk,
        body='{"type": "payment.disputed"}',
    )
    return Sold(
        sale,
        client,
        order,
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
    """Run an action on rows of a list, say yes where it asks, and return the page that follows."""

    def run(client: Client, model: str, action: str, *rows: Any) -> str:
        data = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
        data[CONFIRMED] = "yes"
        return client.post(f"/admin/{model}/", data, follow=True).content.decode()

    return run


@pytest.fixture
def press() -> Press:
    """Press the button of a row's page, say yes, and return the page that follows."""

    def run(client: Client, row: Any, button: str, **form: str) -> str:
        model = row._meta.label_lower.replace(".", "/")
        data = {CONFIRMED: "yes", **form}
        return client.post(f"/admin/{model}/{row.pk}/{button}/", data, follow=True).content.decode()

    return run


@pytest.fixture
def staff(db: None) -> Callable[..., Client]:
    """A member of staff who may see everything, and do what is named: `staff("cancel_order")`."""

    def make(*names: str) -> Client:
        user = User.objects.create_user("-".join(names) or "nobody", is_staff=True)
        may = Permission.objects.filter(codename__startswith="view_")
        user.user_permissions.set(may | Permission.objects.filter(codename__in=names))
        client = Client()
        client.force_login(user)
        return client

    return make
