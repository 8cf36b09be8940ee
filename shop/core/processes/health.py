"""Is everything there that orders need? Each part answers for itself, within a bounded time."""

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import redis
from django.conf import settings
from django.db import DatabaseError, connection

from shop.core.error_text import first_line
from shop.core.stores.redis import client
from shop.core.stores.redis_permissions import missing_permissions
from shop.core.tasks import progress

logger = logging.getLogger(__name__)

# The sweep of the outboxes, and the sign of life that each worker's queue is asked for.
SILENCE_SECONDS = {
    "sweep": 15.0,
    **dict.fromkeys(("persist pulse", "urgent pulse", "settle pulse", "notify pulse"), 30.0),
}
PROBE_KEY = "shop:probe"
PROBE_SECONDS = 1.0
NEARLY_FULL = 0.85  # as the alert FlashSaleRedisMemoryHigh has it
MEBIBYTE = 1024 * 1024

PROMISES = {
    "always": "an accepted order survives a crash of Redis and of its machine",
    "everysec": "a crash of the machine loses at most the last second of accepted orders",
    "no": "a crash of the machine loses what the operating system had not written yet",
    "off": "a restart of Redis loses every order that is not persisted yet",
    "unknown": "this Redis does not show its configuration: ask who runs it",
}


class Finding(NamedTuple):
    """The state of a part in words, with figures for programs where it has some."""

    detail: str
    late_seconds: Mapping[str, float] | None = None


class NotReady(Exception):
    """A part that orders need is missing; the text says what is wrong with it."""

    def __init__(self, detail: str, late_seconds: Mapping[str, float] | None = None) -> None:
        super().__init__(detail)
        self.finding = Finding(detail, late_seconds)


def check_postgresql() -> str:
    """Return `ok`. Raises NotReady where PostgreSQL is away or does not write."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT current_setting('transaction_read_only'), pg_is_in_recovery()")
            read_only, standby = cursor.fetchone()
    except DatabaseError as error:
        raise NotReady(first_line(error)) from error
    if read_only == "on":
        why = "it is a standby" if standby else "it is set so"
        raise NotReady(f"PostgreSQL is read-only, {why}: orders wait in the outbox until it writes")
    return "ok"


def check_redis() -> str:
    """Raises NotReady where Redis does not answer, or could not reserve an order."""
    try:
        role = client().info("replication")["role"]
    except redis.exceptions.NoPermissionError as error:
        raise NotReady("this user may not run INFO, which orders need: grant it +info") from error
    except redis.RedisError as error:
        raise NotReady(first_line(error)) from error
    if role != "master":
        raise NotReady("this is a replica: orders need the primary")
    return "ok"


def durability_mode() -> str:
    """Return a key of PROMISES. Raises NotReady where Redis does not answer."""
    config = _redis_config("appendonly", "appendfsync")
    if config is None:
        return "unknown"
    return config["appendfsync"] if config["appendonly"] == "yes" else "off"


def check_durability() -> str:
    """Return what is promised in the mode found. Raises NotReady where nothing is."""
    mode = durability_mode()
    if mode == "off":
        raise NotReady(f"appendonly is off: {PROMISES['off']}")
    return f"{mode}: {PROMISES[mode]}{_replicas()}"


def _replicas() -> str:
    """Return what replicas add to the promise. Raises NotReady where too few are connected."""
    wanted = settings.REDIS_WAIT_REPLICAS
    if not wanted:
        return ""
    try:
        connected = int(client().info("replication")["connected_slaves"])
    except redis.RedisError as error:
        raise NotReady(first_line(error)) from error
    if connected < wanted:
        raise NotReady(f"{connected} of {wanted} replicas are connected: orders are answered 503")
    kept = "on the disk" if settings.REDIS_WAIT_AOF else "in the memory"
    return f"; {kept} of {wanted} replica{'s' if wanted > 1 else ''}, too, before the yes"


def check_eviction() -> str:
    """Raises NotReady where Redis may throw away counters or orders to make room."""
    config = _redis_config("maxmemory-policy")
    if config is None:
        return f"unknown: {PROMISES['unknown']}"
    policy = config["maxmemory-policy"]
    if policy != "noeviction":
        raise NotReady(f"maxmemory-policy is {policy}, must be noeviction")
    return policy


def check_memory() -> str:
    """Return how full Redis is. Raises NotReady where it takes no write, for whatever reason."""
    try:
        _try_to_write()
        memory = client().info("memory")
    except redis.RedisError as error:
        raise NotReady(f"Redis takes no write: {first_line(error)}") from error
    used, limit = int(memory["used_memory"]), int(memory["maxmemory"])
    if not limit:
        return f"{used / MEBIBYTE:,.0f} MiB used, without a limit (maxmemory)"
    full = f"{used / limit:.0%} of {limit / MEBIBYTE:,.0f} MiB used"
    if used >= NEARLY_FULL * limit:
        return f"nearly full: {full}; from 95 % on orders are answered 503"
    return full


def _try_to_write() -> None:
    """Write once a second at most, however often is asked: each write waits for the disk."""
    global _written_at
    if _written_at is None or not 0 <= time.monotonic() - _written_at < PROBE_SECONDS:
        client().set(PROBE_KEY, "1")
        _written_at = time.monotonic()


_written_at: float | None = None


def check_worker() -> str:
    """Raises NotReady where one of the workers has finished nothing for long."""
    try:
        ages = progress.ages()
    except redis.RedisError as error:
        raise NotReady(first_line(error)) from error
    for name, patience in SILENCE_SECONDS.items():
        age = ages.get(name)
        if age is None or age > patience:
            silence = "never" if age is None else f"{age:.0f} s ago"
            raise NotReady(f"the last {name} ended {silence}: are beat and a worker running?")
    return ", ".join(f"last {name} {ages[name]:.1f} s ago" for name in SILENCE_SECONDS)


# Apps above this one add checks of their own when they are loaded.
def check_permissions() -> str:
    """Raises NotReady where Redis refuses our user a command that orders need."""
    try:
        missing = missing_permissions()
    except redis.RedisError as error:
        raise NotReady(first_line(error)) from error
    if missing:
        raise NotReady(f"the user in REDIS_URL may not use {', '.join(missing)}")
    return "ok"


CHECKS: dict[str, Callable[[], str | Finding]] = {
    "postgresql": check_postgresql,
    "redis": check_redis,
    "durability": check_durability,
    "eviction": check_eviction,
    "permissions": check_permissions,
    "memory": check_memory,
    "worker": check_worker,
}


def log_promise() -> None:
    """Say in the log, at start-up, what an accepted order survives."""
    for name in ("durability", "eviction", "permissions"):
        check = CHECKS[name]
        try:
            logger.info("%s: %s", name, check())
        except NotReady as error:
            logger.warning("%s: %s", name, error)


def readiness() -> tuple[bool, dict[str, dict[str, Any]]]:
    """Run all checks. Returns whether all hold, and what each one said."""
    report: dict[str, dict[str, Any]] = {}
    for name, check in CHECKS.items():
        try:
            report[name] = {"ok": True, **_told(check())}
        except NotReady as error:
            report[name] = {"ok": False, **_told(error.finding)}
    return all(part["ok"] for part in report.values()), report


def _told(found: str | Finding) -> dict[str, Any]:
    finding = Finding(found) if isinstance(found, str) else found
    return {name: said for name, said in finding._asdict().items() if said is not None}


def _redis_config(*names: str) -> dict[str, str] | None:
    """Return these settings of Redis, None where it keeps them to itself (as hosted ones do)."""
    try:
        config = client().config_get(*names)
    except (redis.ResponseError, redis.exceptions.NoPermissionError):
        return None
    except redis.RedisError as error:
        raise NotReady(first_line(error)) from error
    return {str(name): str(value) for name, value in config.items()}
