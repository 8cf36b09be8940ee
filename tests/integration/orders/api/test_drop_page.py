"""The drop page as it comes from the server: what is on it, and what a browser may do with it."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.http import HttpResponse
from django.test import Client
from pytest_django import Settings

from inventory import services
from inventory.models import Product, Sale
from orders.api import drop
from shop.core import clock
from tests.conftest import MakeSale
from tests.processes import Web

from .test_pages import Page

KEY = "fso_anybody-may-read-this"
MOST_BYTES = 30_000  # of the page and all that it loads, uncompressed

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sale(make_sale: MakeSale) -> Sale:
    sale = make_sale("drop", {"TEE": 5, "CAP": 3}, name="Tees & <b>caps</b>", limit=2)
    Product.objects.filter(sku="TEE").update(name='A "black" tee')
    return sale


@pytest.fixture
def ordering(settings: Settings) -> None:
    settings.DROP_PAGE_API_KEY = KEY


def shown(client: Client, slug: str = "drop") -> str:
    response = client.get(f"/sales/{slug}")
    assert response.status_code == 200
    return response.content.decode()


def test_the_page_shows_what_the_sale_offers_under_its_rules(
    client: Client, sale: Sale, ordering: None
) -> None:
    html = shown(client)
    assert "<h1>Tees &amp; &lt;b&gt;caps&lt;/b&gt;</h1>" in html
    assert "A &quot;black&quot; tee" in html
    assert '<input type="radio" name="sku" value="CAP"' in html
    assert "2 per customer" in html
    assert "holds its units for 15 minutes" in html
    assert html.count("<option>") == 2


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (90, "90 seconds"),
        (600, "10 minutes"),
        (3600, "1 hour"),
        (172800, "2 days"),
    ],
)
def test_the_hold_is_told_in_the_largest_unit_that_it_fills(
    client: Client, make_sale: MakeSale, seconds: int, words: str
) -> None:
    make_sale("drop", hold_seconds=seconds)
    assert f"holds its units for {words}:" in shown(client)


def test_a_sale_without_payment_says_so(client: Client, make_sale: MakeSale) -> None:
    make_sale("drop", payment="none")
    assert "nothing to pay" in shown(client)


def test_the_page_tells_the_state_of_the_sale(client: Client, make_sale: MakeSale) -> None:
    make_sale("now")
    make_sale("later", opens_at=clock.now() + timedelta(days=1))
    make_sale("halted")
    Sale.objects.filter(slug="halted").update(paused=True)
    services.close_sale(make_sale("over"), now=clock.now())
    for slug, state in {
        "now": "open",
        "later": "scheduled",
        "halted": "paused",
        "over": "closed",
    }.items():
        assert f'data-state="{state}"' in shown(client, slug)


# --- Settings -----------------------------------------------------------------------------------


def test_with_a_key_of_its_own_the_page_takes_orders(
    client: Client, sale: Sale, ordering: None
) -> None:
    html = shown(client)
    assert f'data-key="{KEY}"' in html
    assert '<form id="form"' in html


def test_without_a_key_the_page_says_that_ordering_is_off_and_shows_the_sale(
    client: Client, sale: Sale, settings: Settings
) -> None:
    settings.DROP_PAGE_API_KEY = ""
    html = shown(client)
    assert "Ordering on this page is off" in html
    assert "<form" not in html
    assert "<input" not in html
    assert 'data-sku="TEE"' in html


@pytest.mark.parametrize(
    ("on", "https", "offered"), [(False, False, False), (True, False, True), (True, True, False)]
)
def test_test_payments_are_offered_where_they_are_on_and_never_under_https(
    client: Client, sale: Sale, settings: Settings, on: bool, https: bool, offered: bool
) -> None:
    settings.TEST_PAYMENTS, settings.HTTPS = on, https
    assert ("Pay (test)" in shown(client)) is offered


# --- Its safety and its size --------------------------------------------------------------------


def test_the_page_may_load_nothing_but_what_this_server_has_for_it(
    client: Client, sale: Sale, ordering: None
) -> None:
    response = client.get("/sales/drop")
    policy = response["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    page = Page(response.content.decode())
    assert page.inline == []
    assert all(url.startswith("/static/") for url in page.loaded)
    assert page.tags.count("h1") == page.tags.count("main") == page.tags.count("title") == 1


def test_the_page_is_small_with_all_that_it_loads(web: Web, sale: Sale) -> None:
    response = web.http.get("/sales/drop")
    loaded = {*Page(response.text).loaded}
    parts = [response, *(web.http.get(url) for url in loaded)]
    assert {part.status_code for part in parts} == {200}
    assert sum(len(part.content) for part in parts) < MOST_BYTES


# --- What is not there --------------------------------------------------------------------------


@pytest.mark.parametrize("slug", ["nothing", "%00", "a%20b", "x" * 500])
def test_an_unknown_sale_is_a_page_with_status_404(client: Client, slug: str) -> None:
    response = client.get(f"/sales/{slug}")
    assert response.status_code == 404
    assert b"There is no such sale." in response.content
    assert "/" in Page(response.content.decode()).links


@pytest.mark.parametrize("method", ["post", "put", "delete"])
def test_the_page_is_only_to_be_looked_at(client: Client, sale: Sale, method: str) -> None:
    response: HttpResponse = getattr(client, method)("/sales/drop")
    assert response.status_code == 405


def test_while_postgresql_is_away_the_page_asks_for_patience(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_slug: str) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(drop, "read_offer", fail)
    response = client.get("/sales/drop")
    assert response.status_code == 503
    assert response["Retry-After"] == "2"
    assert b"Reload the page" in response.content
