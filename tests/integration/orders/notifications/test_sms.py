"""SMS through a service that the deployment names."""

import json
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pytest_django import Settings

from orders.domain import EventType
from orders.models import Delivery, Endpoint
from orders.notifications.sms import SmsRefused, deliver_sms
from orders.notifications.webhook.endpoints import enable

from .conftest import Shop, all_due

pytestmark = pytest.mark.django_db(transaction=True)

ADA = "+491701234567"
EVE = "+491700000000"


class Service:
    """An SMS service that refuses one number and stumbles over each first message to another."""

    sent: ClassVar[list[dict[str, str]]] = []
    stumbles = 0

    def send(self, *, to: str, text: str, message_id: str) -> None:
        if to == EVE:
            raise SmsRefused("unknown subscriber")
        if Service.stumbles:
            Service.stumbles -= 1
            raise ConnectionError("away")
        Service.sent.append({"to": to, "text": text, "message_id": message_id})


@pytest.fixture(autouse=True)
def _service(transactional_db: None, settings: Settings) -> None:
    enable(Endpoint.objects.get(channel="sms"))
    settings.SMS_SENDER = f"{__name__}.Service"
    Service.sent.clear()
    Service.stumbles = 0


def the_delivery() -> Delivery:
    return Delivery.objects.get(endpoint__channel="sms")


def test_a_customer_with_a_phone_is_told_in_their_language(shop: Shop) -> None:
    order = shop.order(EventType.PAID, metadata={"phone": ADA, "language": "de"})
    assert deliver_sms() == 2
    assert [(message["to"], message["text"]) for message in Service.sent][1] == (
        ADA,
        "drop: 12,50 EUR sind bei uns eingegangen. Danke!",
    )
    events = order.events.order_by("sequence").values_list("pk", flat=True)
    assert [message["message_id"] for message in Service.sent] == [f"evt_{pk}" for pk in events]


def test_a_refused_number_is_given_up_and_the_others_get_theirs(shop: Shop) -> None:
    eve, ada = shop.order(metadata={"phone": EVE}), shop.order(metadata={"phone": ADA})
    deliver_sms()
    refused = Delivery.objects.get(order_id=eve.pk)
    assert (refused.state, refused.last_error) == ("dead", "unknown subscriber")
    assert Delivery.objects.get(order_id=ada.pk).state == "delivered"


def test_any_other_error_is_tried_again(shop: Shop) -> None:
    Service.stumbles = 1
    shop.order(metadata={"phone": ADA})
    deliver_sms()
    assert (the_delivery().state, the_delivery().attempts) == ("pending", 1)
    assert "away" in the_delivery().last_error
    all_due()
    deliver_sms()
    assert the_delivery().state == "delivered"


@pytest.mark.parametrize("phone", ["0170 1234567", "+49", "+0123456789", "x" * 2000, 49170, [ADA]])
def test_what_is_no_number_is_given_up(phone: Any, shop: Shop) -> None:
    shop.order(metadata={"phone": phone})
    deliver_sms()
    assert the_delivery().state == "dead"
    assert "E.164" in the_delivery().last_error


def test_an_order_without_a_phone_is_told_nothing(shop: Shop) -> None:
    shop.order(metadata={"phone": ""})
    shop.order()
    assert deliver_sms() == 0


def test_without_a_service_deliveries_are_given_up_and_say_why(
    shop: Shop, settings: Settings
) -> None:
    settings.SMS_SENDER = ""
    shop.order(metadata={"phone": ADA})
    deliver_sms()
    assert (the_delivery().state, the_delivery().last_error) == (
        "dead",
        "no SMS_SENDER is configured",
    )


def test_for_development_messages_are_written_to_files(
    shop: Shop, settings: Settings, tmp_path: Path
) -> None:
    settings.SMS_SENDER = "orders.notifications.sms.FileSender"
    settings.STATE_DIR = tmp_path
    order = shop.order(metadata={"phone": ADA})
    deliver_sms()
    [event] = order.events.all()
    written = json.loads((tmp_path / "sms" / f"evt_{event.pk}.json").read_text())
    assert written["to"] == ADA
    assert written["text"].startswith("drop: your order is held for you.")
