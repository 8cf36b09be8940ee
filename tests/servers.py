"""A pytest plugin: real PostgreSQL and Redis for the run, before Django's settings are read.

DATABASE_URL and REDIS_URL point the tests to servers of your own (the Redis databases they use are
emptied!); what they leave out is started here. SHOP_REDIS_SERVER picks the Redis or Valkey binary.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

_running = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests() -> Generator[None, None, None]:
    from shop.local.embedded import embedded_servers, temporary_state

    state = _running.enter_context(temporary_state())
    os.environ["SHOP_STATE_DIR"] = str(state)
    servers = _running.enter_context(embedded_servers(state))
    os.environ["DATABASE_URL"] = servers.database_url
    os.environ["REDIS_URL"] = servers.redis_url
    # Connections that outlive a call would keep the test database from being dropped.
    os.environ["DATABASE_CONN_MAX_AGE"] = "0"
    return (yield)


def pytest_unconfigure() -> None:
    _running.close()
