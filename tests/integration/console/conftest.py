"""People with roles, a Redis that is away, and readings that are never old."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest
from django.conf import settings
from django.contrib.auth.models import Group, User
from django.test import Client, override_settings

from console import live, overview
from console.shared_reading import Shared
from shop.core.stores.redis import client as redis_client
from shop.core.stores.redis import script

SignIn = Callable[[str], Client]
Away = Callable[[], AbstractContextManager[None]]


@pytest.fixture(autouse=True)
def _nothing_is_shared_between_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "FRESH_SECONDS", 0)
    monkeypatch.setattr(live, "_shared", OrderedDict())
    monkeypatch.setattr(overview, "_shared", Shared(overview._read, fresh_seconds=0))


@pytest.fixture
def sign_in(db: None) -> SignIn:
    """Return a browser of someone with a role: `sign_in("operator")`; "" for staff without one."""

    def signed_in(role: str) -> Client:
        user = User.objects.create_user(f"the {role}", is_staff=True)
        if role:
            user.groups.add(Group.objects.get(name=role))
        browser = Client()
        browser.force_login(user)
        return browser

    return signed_in


@pytest.fixture
def redis_away() -> Iterator[Away]:
    """Take Redis away for a while: `with redis_away(): …`; nothing listens where it is asked."""
    assert settings.REDIS_URL

    @contextmanager
    def away() -> Iterator[None]:
        with override_settings(REDIS_URL="redis://127.0.0.1:1/0"):
            _connect_anew()
            yield
        _connect_anew()

    yield away
    _connect_anew()


def _connect_anew() -> None:
    script.cache_clear()
    redis_client.cache_clear()
