"""The pages for people."""

import re
from datetime import timedelta
from html import escape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import OperationalError
from django.test import Client
from pytest_django import Settings
from structlog.contextvars import get_contextvars

import orders
from inventory import services
from inventory.models import Sale
from orders.api import pages
from orders.api.openapi import operations_with
from orders.http import problems
from shop.core import clock
from tests.conftest import MakeSale
from tests.processes import Web

PATHS = ["/", "/problems/", "/problems/sold-out", "/api/docs", "/nowhere"]
STATIC = Path(orders.__file__).parent / "static" / "orders"
LOADED_BY = {"link", "script", "img", "iframe", "source"}


class Page(HTMLParser):
    """What a page refers to and consists of."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []  # for people to follow
        self.loaded: list[str] = []  # by the browser itself
        self.inline: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name in ("href", "src", "srcset", "action"):
                (self.loaded if tag in LOADED_BY else self.links).append(value or "")
            if name == "style" or name.startswith("on"):
                self.inline.append(f"{tag} {name}")
        if tag == "style" or (tag == "script" and "src" not in dict(attrs)):
            self.inline.append(tag)


@pytest.fixture
def without_postgresql(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_now: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(pages, "open_sales", lambda *, now: fail(now))


# --- All pages ----------------------------------------------------------------------------------


@pytest.fixture(params=PATHS)
def page(request: pytest.FixtureRequest, client: Client, without_postgresql: None) -> Page:
    return Page(client.get(request.param).content.decode())


def test_a_page_refers_to_no_other_host_but_flower(page: Page) -> None:
    others = {url for url in page.links + page.loaded if urlsplit(url).netloc}
    assert others <= {settings.FLOWER_URL}
    assert settings.FLOWER_URL not in page.loaded


def test_a_page_has_no_script_or_style_in_it_so_that_its_policy_can_forbid_them(
    page: Page, client: Client
) -> None:
    assert page.inline == []
    for path in PATHS:
        policy = client.get(path)["Content-Security-Policy"]
        assert "default-src '" in policy
        assert "unsafe" not in policy


def test_a_page_has_one_main_part_under_one_heading(page: Page) -> None:
    assert page.tags.count("h1") == page.tags.count("main") == page.tags.count("title") == 1


@pytest.mark.parametrize("path", PATHS)
def test_everything_that_a_page_loads_and_links_to_is_there(web: Web, path: str) -> None:
    page = Page(web.http.get(path).text)
    for url in {*page.loaded, *page.links} - {settings.FLOWER_URL, "#content"}:
        response = web.http.get(url, follow_redirects=True)
        # The test's empty Redis does not know yet that the workers are there.
        assert response.status_code == 200 or url == "/readyz", url


def test_no_style_or_script_of_ours_refers_to_another_host(web: Web) -> None:
    for path in STATIC.rglob("*.[cj]s*"):
        text = web.http.get(f"/static/orders/{path.relative_to(STATIC)}").text
        assert "//" not in re.sub(r"(^|\s)// ", " ", text), path


# --- The front page -----------------------------------------------------------------------------


@pytest.fixture
def some_sales(transactional_db: None, make_sale: MakeSale) -> None:
    make_sale("drop", {"TEE": 5}, name="Tees & <b>caps</b>")
    make_sale("later", opens_at=clock.now() + timedelta(days=1))
    make_sale("halted")
    Sale.objects.filter(slug="halted").update(paused=True)
    services.close_sale(make_sale("over"), now=clock.now())


def test_the_front_page_lists_the_sales_that_are_open_or_will_be(
    client: Client, some_sales: None
) -> None:
    html = client.get("/").content.decode()
    links = Page(html).links
    for slug in ("drop", "later", "halted"):
        assert {f"/sales/{slug}", f"/api/v1/sales/{slug}"} <= set(links)
    assert not {"/sales/over", "/api/v1/sales/over"} & set(links)
    for state in ("open", "scheduled", "paused"):
        assert f'class="state {state}">{state}</span>' in html
    later = Sale.objects.get(slug="later").opens_at
    assert f"{later:%H:%M} UTC" in html
    assert "Tees &amp; &lt;b&gt;caps&lt;/b&gt;" in html


def test_the_front_page_shows_an_order_that_can_be_placed_right_now(
    client: Client, some_sales: None
) -> None:
    html = client.get("/").content.decode()
    assert "http://testserver/api/v1/orders" in html
    assert '"sale": "drop"' in html
    assert '"sku": "TEE"' in html


def test_the_front_page_links_to_no_flower_where_there_is_none(
    client: Client, settings: Settings, without_postgresql: None
) -> None:
    settings.FLOWER_URL = ""
    assert b"Flower" not in client.get("/").content


def test_the_front_page_says_how_to_open_a_sale_where_there_is_none(
    client: Client, transactional_db: None
) -> None:
    assert b"manage.py create_sale" in client.get("/").content


def test_the_front_page_is_there_while_postgresql_is_away(
    client: Client, without_postgresql: None
) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert b"PostgreSQL does not answer" in response.content


def test_the_front_page_links_to_everything_there_is(
    client: Client, without_postgresql: None
) -> None:
    assert {
        "/api/docs",
        "/api/v1/openapi.json",
        "/problems/",
        "/admin/",
        "/readyz",
        settings.FLOWER_URL,
    } <= set(Page(client.get("/").content.decode()).links)


# --- Problems -----------------------------------------------------------------------------------


@pytest.mark.parametrize("slug", problems.ALL)
def test_every_problem_has_a_page_that_explains_it(client: Client, slug: str) -> None:
    kind = problems.ALL[slug]
    response = client.get(f"/problems/{slug}")
    assert response.status_code == 200
    html = response.content.decode()
    assert f"<h1>{escape(kind.title)}</h1>" in html
    assert escape(kind.advice) in html
    assert escape(kind.retry) in html
    assert f"HTTP/1.1 {kind.status} " in html
    assert escape(f'"type": "/problems/{slug}"') in html


@pytest.mark.parametrize("slug", problems.ALL)
def test_the_page_of_a_problem_links_to_the_operations_that_it_comes_from(
    client: Client, slug: str
) -> None:
    links = Page(client.get(f"/problems/{slug}").content.decode()).links
    operations = {
        f"/api/docs#/{each.tag}/{each.id}" for each in operations_with(problems.ALL[slug])
    }
    assert operations
    assert operations <= set(links)


def test_the_list_of_problems_links_to_every_one_of_them(client: Client) -> None:
    links = Page(client.get("/problems/").content.decode()).links
    assert {f"/problems/{slug}" for slug in problems.ALL} <= set(links)


def test_a_retry_after_is_shown_where_the_problem_comes_with_one(client: Client) -> None:
    assert b"Retry-After: 1" in client.get("/problems/unavailable").content
    assert b"WWW-Authenticate: Bearer" in client.get("/problems/unauthenticated").content


@pytest.mark.parametrize("path", ["/problems/unheard-of", "/nowhere", "/apis"])
def test_who_goes_astray_gets_a_page_with_status_404(client: Client, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 404
    assert response["Content-Type"].startswith("text/html")
    assert "/problems/" in Page(response.content.decode()).links


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_a_program_that_goes_astray_gets_a_problem(client: Client, method: str) -> None:
    response = getattr(client, method)("/api/v1/nothing")
    assert response.status_code == 404
    assert response["Content-Type"] == problems.MEDIA_TYPE
    assert response.json()["type"] == "/problems/not-found"


# --- The API reference --------------------------------------------------------------------------


def test_the_reference_reads_the_document_from_this_server(client: Client) -> None:
    html = client.get("/api/docs").content.decode()
    assert 'data-document="/api/v1/openapi.json"' in html
    document = client.get("/api/v1/openapi.json")
    assert document.json()["openapi"].startswith("3.1")
    assert document["Access-Control-Allow-Origin"] == "*"


def test_a_host_that_is_not_served_is_told_so_as_a_problem(client: Client) -> None:
    response = client.get("/api/v1/openapi.json", headers={"Host": "elsewhere.example"})
    assert response.status_code == 400
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.json()["type"] == "/problems/bad-request"


@pytest.mark.django_db(transaction=True)
def test_what_a_url_names_is_forgotten_with_its_request(client: Client) -> None:
    client.get("/sales/unheard-of")
    client.get("/api/v1/orders/01a1ffa4-a019-8000-84ee-0d528bd5faaf")
    assert get_contextvars() == {}
