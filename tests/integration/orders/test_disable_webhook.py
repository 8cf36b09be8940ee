"""manage.py disable_webhook: a program is told of nothing more."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from orders.models import Delivery, Endpoint
from tests.conftest import MakeSale
from tests.life import placed
from tests.placing import Request

URL = "https://shop.example.com/hooks"

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_disabled_webhook_gets_no_deliveries(make_sale: MakeSale, api_key: str) -> None:
    sale = make_sale()
    call_command("create_webhook", URL, stdout=StringIO(), stderr=StringIO())
    placed(sale, api_key, Request("k-1"))
    call_command("disable_webhook", URL, stdout=StringIO())
    placed(sale, api_key, Request("k-2"))
    endpoint = Endpoint.objects.get(url=URL)
    assert not endpoint.active
    assert Delivery.objects.filter(endpoint=endpoint).count() == 1


def test_a_url_that_is_told_of_nothing_is_an_error() -> None:
    with pytest.raises(CommandError, match="no webhook"):
        call_command("disable_webhook", URL)


def test_a_channel_to_customers_is_no_webhook() -> None:
    Endpoint.objects.get_or_create(channel=Endpoint.Channel.EMAIL)
    with pytest.raises(CommandError, match="blank"):
        call_command("disable_webhook", "")
    assert Endpoint.objects.get(channel=Endpoint.Channel.EMAIL).active
