"""Flower, as it runs: every page of it asks for its password."""

import os
import re
import subprocess
import sys
from base64 import b64encode
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest
from flower.urls import handlers

from tests.processes import await_condition, free_port

ROOT = Path(__file__).resolve().parents[2]
ACCOUNT = "ada:hush"
# The login leads to another's, where one is set up; the rest are files, and a page of nothing.
OPEN = (r"/static/(.*)", r"/login/?", r"/logout", r".*")
PATTERNS = [each[0] if isinstance(each, tuple) else each.regex.pattern for each in handlers]
PAGES = [path for each in PATTERNS if (path := each.rstrip("$")) not in OPEN]


@pytest.fixture(scope="module")
def flower() -> Iterator[int]:
    """The port of a Flower with a password."""
    port = free_port()
    env = {**os.environ, "FLOWER_PORT": str(port), "FLOWER_BASIC_AUTH": ACCOUNT}
    process = subprocess.Popen([sys.executable, "-m", "shop.local.flower"], cwd=ROOT, env=env)
    try:
        await_condition("Flower answers", lambda: answered(port, "/healthcheck"))
        yield port
    finally:
        process.terminate()
        process.wait(30)


def answered(port: int, path: str, account: str = "", method: str = "GET") -> int:
    """Return the status that Flower answers, 0 while it does not."""
    headers = {"Authorization": f"Basic {b64encode(account.encode()).decode()}"} if account else {}
    connection = HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request(method, path, headers=headers)
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()


def test_no_page_is_shown_without_the_password(flower: int) -> None:
    assert {"/metrics", "/healthcheck", "/workers"} <= set(PAGES)
    for pattern in PAGES:
        path = re.sub(r"\(.*?\)", "name", pattern)
        statuses = {answered(flower, path, account) for account in ("", "ada:", "ada:hushhush")}
        if statuses == {405}:
            statuses = {answered(flower, path, method="POST")}
        assert statuses == {401}, path


@pytest.mark.parametrize("page", ["/metrics", "/healthcheck", "/workers"])
def test_pages_are_shown_with_the_password(flower: int, page: str) -> None:
    assert answered(flower, page, ACCOUNT) == 200


def test_the_container_is_healthy_with_the_password_alone(flower: int) -> None:
    for account, complaint in ((ACCOUNT, ""), ("ada:wrong", "/healthcheck answers 401")):
        done = subprocess.run(
            [sys.executable, ROOT / "docker" / "healthcheck.py", "flower"],
            env={**os.environ, "FLOWER_PORT": str(flower), "FLOWER_BASIC_AUTH": account},
            capture_output=True,
            text=True,
        )
        assert complaint in done.stderr
        assert done.returncode == bool(complaint)
