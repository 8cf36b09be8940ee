"""A real browser for the pages: Chromium, driven by Playwright, on the running product.

Chromium is that of the variable CHROMIUM, else one on PATH; where there is none, these tests are
skipped.
"""

import os
import shutil
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from playwright.sync_api import Browser, Page, sync_playwright

from orders.models import ApiClient
from orders.models.clients import hash_api_key
from tests.processes import PAGE_KEY, Web

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE_MS = 20_000
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a Chromium."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    if not found:
        pytest.skip(f"no browser: install one of {', '.join(NAMES)}, or set CHROMIUM to its path")
    return found


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """A browser, for this package alone: while it is there, its event loop is the thread's."""
    with pytest.MonkeyPatch.context() as environment, sync_playwright() as playwright:
        # Django sees the loop and takes the tests, which are not in it, for coroutines.
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        # Root, as containers have it, cannot have Chromium's sandbox.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def expected_errors() -> list[str]:
    """What the console may complain of in this test: parts of messages, for a test to add to.

    503 is what the product answers where the machine is too busy, and what a page has to live with.
    """
    return ["503 (Service Unavailable)"]


@pytest.fixture
def page(web: Web, browser: Browser, expected_errors: list[str]) -> Iterator[Page]:
    """A fresh page of a phone's width, whose paths are the product's.

    The test fails where its console complained, or where it asked any other host for anything.
    """
    with browser.new_context(
        base_url=web.base_url, viewport={"width": 390, "height": 844}, reduced_motion="reduce"
    ) as context:
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        errors: list[str] = []
        hosts: set[str] = set()
        page.on("console", lambda message: message.type == "error" and errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("request", lambda request: hosts.add(urlsplit(request.url).netloc))
        yield page
        page.close()
    unexpected = [error for error in errors if not any(part in error for part in expected_errors)]
    assert unexpected == []
    assert hosts <= {urlsplit(web.base_url).netloc}


@pytest.fixture
def page_client(web: Web) -> ApiClient:
    """The client whose key the drop page has."""
    return ApiClient.objects.create(
        name="drop-page", key_hash=hash_api_key(PAGE_KEY), key_hint=PAGE_KEY[:10]
    )


@pytest.fixture
def admin_page(web: Web, page: Page) -> Page:
    """A page that a superuser is signed in on."""
    user = User.objects.create_superuser("ada", password="a long one")
    client = Client()
    client.force_login(user)
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    cookie: Any = {"name": settings.SESSION_COOKIE_NAME, "value": session, "url": web.base_url}
    page.context.add_cookies([cookie])
    return page


def serious_violations(page: Page) -> list[str]:
    """What axe finds that keeps people from using a page: the rule, and where it is broken."""
    return [
        f"{violation['id']}: {node['target']} {node['failureSummary']}"
        for violation in Axe().run(page).response["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
