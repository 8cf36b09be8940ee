"""A pytest plugin: real PostgreSQL and Redis for the run, before Django's settings are read.

DATABASE_URL and REDIS_URL point the tests to servers of your own (the Redis databases they use are
emptied!); what they leave out is started here. SHOP_REDIS_SERVER picks the Redis or Valkey binary.

Where tests run in several processes (`-n 2`), each of them has servers of its own.
"""

import os
from collections.abc import Generator
from contextlib import ExitStack

import pytest

_running = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    if _only_hands_out_tests(early_config):
        return (yield)
    from shop.local.embedded import embedded_servers, temporary_state

    state = _running.enter_context(temporary_state())
    os.environ["SHOP_STATE_DIR"] = str(state)
    servers = _running.enter_context(embedded_servers(state))
    os.environ["DATABASE_URL"] = servers.database_url
    os.environ["REDIS_URL"] = servers.redis_url
    # Connections that outlive a call would keep the test database from being dropped.
    os.environ["DATABASE_CONN_MAX_AGE"] = "0"
    return (yield)


def _only_hands_out_tests(config: pytest.Config) -> bool:
    """Tell whether this process runs no test itself, but has others that do."""
    several = getattr(config.known_args_namespace, "numprocesses", None)
    return bool(several) and "PYTEST_XDIST_WORKER" not in os.environ


def pytest_unconfigure() -> None:
    _running.close()
