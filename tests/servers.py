"""A pytest plugin: real PostgreSQL and Redis for the run, before Django's settings are read.

DATABASE_URL and REDIS_URL point the tests to servers of your own (the Redis databases they use are
emptied!); what they leave out is started here. SHOP_REDIS_SERVER picks the Redis or Valkey binary.

Where tests run in several processes (`-n 2`), each of them has servers of its own. All that the
servers and the tests write lies in memory where there is room: they wait for every commit, as the
product's do, and no test is about what becomes of a disk.
"""

import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import ExitStack
from pathlib import Path

import pytest

MEMORY = Path("/dev/shm")
ROOM = 2 << 30  # bytes; a run writes half of it

_running = ExitStack()
_chosen = False  # whether somebody has named a PostgreSQL of his own


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, None, None]:
    if _only_hands_out_tests(early_config):
        return (yield)
    from shop.local.servers.embedded import embedded_servers, temporary_state

    global _chosen
    _chosen = bool(os.environ.get("DATABASE_URL"))
    _write_to_memory()
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


def postgresql_is_ours() -> bool:
    """Tell whether the run has a PostgreSQL of its own, which is thrown away with it."""
    return not _chosen


def _write_to_memory() -> None:
    """Let temporary files of this process and of those that it starts lie in memory."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return
    system = os.statvfs(MEMORY)
    if system.f_flag & os.ST_NOEXEC or system.f_bavail * system.f_frsize < ROOM:
        return
    folder = tempfile.mkdtemp(prefix="shop-tests-", dir=MEMORY)
    _running.callback(shutil.rmtree, folder, ignore_errors=True)
    Path(folder).chmod(0o711)  # PostgreSQL's user has to pass through
    os.environ["TMPDIR"] = tempfile.tempdir = folder


def pytest_unconfigure() -> None:
    _running.close()
