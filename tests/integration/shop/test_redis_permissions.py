"""A Redis user that lacks a command is named at the start, by /readyz and by `manage.py check`."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import redis
from django.conf import settings as django_settings

from inventory.counters.lua import LUA
from orders.checks import check_redis_permissions
from shop.core.processes import health
from shop.core.processes.health import NotReady
from shop.core.stores import redis_permissions

pytestmark = pytest.mark.django_db

DOCUMENTED = "+@all -@dangerous +info +config|get ~*"  # the hint of the check


@pytest.fixture
def as_user(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Return a function that makes the product speak to Redis as a user with these rules."""
    admin = redis.Redis.from_url(django_settings.REDIS_URL)

    def become(rules: str) -> None:
        admin.execute_command("ACL", "SETUSER", "probe", "reset", "on", ">pw", *rules.split())
        server = urlsplit(django_settings.REDIS_URL)
        url = server._replace(netloc=f"probe:pw@{server.hostname}:{server.port}").geturl()
        monkeypatch.setattr(redis_permissions, "client", lambda: redis.Redis.from_url(url))

    yield become
    admin.execute_command("ACL", "DELUSER", "probe")


def test_the_embedded_servers_user_may_do_all() -> None:
    assert redis_permissions.missing_permissions() == []
    assert not redis.Redis.from_url(django_settings.REDIS_URL).keys("*probe*")


def test_what_the_hint_allows_is_enough(as_user: Any) -> None:
    as_user(DOCUMENTED)
    assert redis_permissions.missing_permissions() == []
    assert check_redis_permissions(None) == []


@pytest.mark.parametrize("command", ["XADD", "EVALSHA", "INFO", "XAUTOCLAIM", "HINCRBY"])
def test_a_command_that_is_not_allowed_is_named(as_user: Any, command: str) -> None:
    as_user(f"{DOCUMENTED} -{command.lower()}")
    assert redis_permissions.missing_permissions() == [command]
    with pytest.raises(NotReady, match=f"may not use {command}"):
        health.check_permissions()
    [error] = check_redis_permissions(None)
    assert command in error.msg


def test_keys_that_are_out_of_bounds_are_named(as_user: Any) -> None:
    as_user("+@all ~shop:*")
    assert redis_permissions.missing_permissions() == ["the keys {sale:*"]
    as_user("+@all ~{sale:*")
    assert redis_permissions.missing_permissions() == ["the keys shop:*"]


def test_every_command_of_the_scripts_is_asked_for() -> None:
    asked = {command[0] for command in redis_permissions.COMMANDS}
    used = {
        name.upper()
        for path in LUA.glob("*.lua")
        for name in re.findall(r"redis\.p?call\('([A-Za-z]+)'", path.read_text())
    }
    assert used <= asked
