"""Is everything there, and what is promised in the mode found?"""

import json
import time
from collections.abc import Iterator

import pytest
from django.db import OperationalError
from django.db.backends.base.base import BaseDatabaseWrapper
from django.test import Client
from pytest_django import Settings

from shop.core.processes import health
from shop.core.stores.redis import client
from shop.core.tasks import progress
from tests.processes import await_condition, free_port

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def http() -> Client:
    return Client()


@pytest.fixture
def _configured() -> Iterator[None]:
    """Let a test change the server's configuration."""
    names = ("appendonly", "appendfsync", "maxmemory-policy", "maxmemory")
    before = client().config_get(*names)
    yield
    for name, value in before.items():
        client().config_set(name, value)


def make_progress() -> None:
    for name in health.SILENCE_SECONDS:
        progress.report(name)


def readyz(http: Client) -> tuple[int, dict[str, object]]:
    response = http.get("/readyz")
    return response.status_code, json.loads(response.content)


@pytest.mark.usefixtures("_configured")
@pytest.mark.parametrize(
    ("setting", "value", "failing"),
    [
        ("maxmemory-policy", "allkeys-lru", ["eviction"]),
        ("appendonly", "no", ["durability"]),
        ("appendfsync", "everysec", []),
        ("appendfsync", "always", []),
    ],
)
def test_the_failing_part_is_named(
    http: Client, setting: str, value: str, failing: list[str]
) -> None:
    make_progress()
    client().config_set("appendonly", "yes")
    client().config_set("maxmemory-policy", "noeviction")
    client().config_set(setting, value)
    status, report = readyz(http)
    assert (status, report["failing"]) == (503 if failing else 200, failing)


def test_a_worker_without_progress_is_not_ready(http: Client) -> None:
    _, report = readyz(http)
    assert report["failing"] == ["worker"]
    client().hset("shop:progress", "sweep", "1")
    status, report = readyz(http)
    assert (status, report["failing"]) == (503, ["worker"])


def test_without_postgresql_it_is_not_ready(http: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    make_progress()

    def away(*_: object, **__: object) -> None:
        raise OperationalError("connection refused")

    monkeypatch.setattr(BaseDatabaseWrapper, "cursor", away)
    status, report = readyz(http)
    assert status == 503
    assert report["failing"] == ["postgresql"]


def test_without_redis_each_of_its_parts_says_so(settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{free_port()}/0"
    client.cache_clear()
    try:
        ready, report = health.readiness()
    finally:
        client.cache_clear()
    failing = {name for name, part in report.items() if not part["ok"]}
    assert not ready
    assert failing == {
        *("redis", "durability", "eviction", "permissions", "memory", "worker"),
    }


@pytest.mark.parametrize("mode", ["always", "everysec", "no", "off", "unknown"])
def test_every_mode_has_a_promise(mode: str) -> None:
    assert health.PROMISES[mode]


def test_a_redis_that_hides_its_configuration_is_not_called_broken() -> None:
    client().execute_command("ACL", "SETUSER", "guest", "on", "nopass", "~*", "+@all", "-config")
    try:
        with client().client() as guest:
            guest.auth("", "guest")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(health, "client", lambda: guest)
                assert health.durability_mode() == "unknown"
                assert health.check_eviction().startswith("unknown")
    finally:
        client().execute_command("ACL", "DELUSER", "guest")


def test_a_sign_of_progress_from_the_future_is_an_old_one() -> None:
    progress.report("worker")
    assert progress.ages()["worker"] < 60
    client().hset(progress.KEY, "worker", str(time.time() + 3600))  # then the clock was put back
    assert progress.ages()["worker"] > 3000


def test_a_user_who_may_not_run_info_is_told_what_to_grant() -> None:
    client().execute_command("ACL", "SETUSER", "guest", "on", "nopass", "~*", "+@all", "-info")
    try:
        with client().client() as guest:
            guest.auth("", "guest")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(health, "client", lambda: guest)
                with pytest.raises(health.NotReady, match=r"grant it \+info"):
                    health.check_redis()
    finally:
        client().execute_command("ACL", "DELUSER", "guest")


def test_a_replica_is_not_ready_for_orders() -> None:
    client().replicaof("127.0.0.1", 1)  # nothing listens there
    try:
        with pytest.raises(health.NotReady, match="a replica"):
            health.check_redis()
    finally:
        client().replicaof("NO", "ONE")


@pytest.mark.usefixtures("_configured")
def test_memory_is_spoken_of_before_it_is_full_and_a_full_one_is_not_ready(
    http: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_progress()
    monkeypatch.setattr(health, "PROBE_SECONDS", 0.0)
    client().set("ballast", b"." * 20_000_000)  # against which nothing else counts
    await_condition("the buffers of its way are gone", lambda: used_memory() < 35_000_000)
    used = used_memory()
    client().config_set("maxmemory", int(used / 0.92))
    status, report = readyz(http)
    assert status == 200
    assert "nearly full: 9" in str(report["checks"]["memory"]["detail"])  # type: ignore[index]
    client().config_set("maxmemory", used // 2)
    status, report = readyz(http)
    assert (status, report["failing"]) == (503, ["memory"])
    client().delete("ballast")
    client().config_set("maxmemory", 0)
    assert readyz(http)[0] == 200


def used_memory() -> int:
    return int(client().info("memory")["used_memory"])


def test_a_write_is_tried_once_a_second_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "_written_at", None)
    health.check_memory()
    client().delete(health.PROBE_KEY)
    health.check_memory()
    assert not client().exists(health.PROBE_KEY)
