"""A sale is shown live, as far as the stores answer."""

import pytest
from django.db import OperationalError
from django.test import Client

from orders.api import sales
from tests.conftest import MakeSale
from tests.life import place
from tests.placing import Request

pytestmark = pytest.mark.django_db(transaction=True)


def test_while_postgresql_is_away_a_sale_shown_before_is_shown_with_live_stock(
    make_sale: MakeSale, api_key: str, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_sale("drop", {"TEE": 50})
    make_sale("other", {"CAP": 5})
    assert client.get("/api/v1/sales/drop").json()["skus"][0]["available"] == 50
    place(api_key, Request("k-1", lines={"TEE": 3}))

    def away(slug: str) -> None:
        raise OperationalError("PostgreSQL is away")

    monkeypatch.setattr(sales, "read_offer", away)
    assert client.get("/api/v1/sales/drop").json()["skus"][0]["available"] == 47
    never_shown = client.get("/api/v1/sales/other")
    assert (never_shown.status_code, never_shown.json()["type"]) == (503, "/problems/unavailable")
