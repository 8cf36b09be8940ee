"""Is everything there that orders need? Each part answers for itself, within a bounded time."""

from collections.abc import Callable

import redis
from django.db import DatabaseError, connection

from . import progress
from .redis import client

WORKER_SILENCE_SECONDS = 15.0
DURABLE = "always"

PROMISES = {
    "always": "an accepted order survives a crash of Redis and of its machine",
    "everysec": "a crash of the machine loses at most the last second of accepted orders",
    "no": "a crash of the machine loses what the operating system had not written yet",
    "off": "a restart of Redis loses every order that is not persisted yet",
}


class NotReady(Exception):
    """A part that orders need is missing; the text says what is wrong with it."""


def check_postgresql() -> str:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        raise NotReady(_first_line(error)) from error
    return "ok"


def check_redis() -> str:
    try:
        client().ping()
    except redis.RedisError as error:
        raise NotReady(_first_line(error)) from error
    return "ok"


def durability_mode() -> str:
    """Return "always", "everysec", "no" or "off". Raises NotReady where Redis does not answer."""
    try:
        config: dict[str, str] = client().config_get("appendonly", "appendfsync")  # type: ignore[assignment]
    except redis.RedisError as error:
        raise NotReady(_first_line(error)) from error
    text = {_text(name): _text(value) for name, value in config.items()}
    return text["appendfsync"] if text["appendonly"] == "yes" else "off"


def check_durability() -> str:
    """Return what is promised in the mode found. Raises NotReady where nothing is."""
    mode = durability_mode()
    if mode == "off":
        raise NotReady(f"appendonly is off: {PROMISES['off']}")
    return f"{mode}: {PROMISES[mode]}"


def check_eviction() -> str:
    """Raises NotReady where Redis may throw away counters or orders to make room."""
    try:
        config: dict[str, str] = client().config_get("maxmemory-policy")  # type: ignore[assignment]
    except redis.RedisError as error:
        raise NotReady(_first_line(error)) from error
    policies = [_text(policy) for policy in config.values()]
    if policies != ["noeviction"]:
        raise NotReady(f"maxmemory-policy is {', '.join(policies)}, must be noeviction")
    return "noeviction"


def check_worker() -> str:
    try:
        age = progress.age_seconds("sweep")
    except redis.RedisError as error:
        raise NotReady(_first_line(error)) from error
    if age is None or age > WORKER_SILENCE_SECONDS:
        silence = "never" if age is None else f"{age:.0f} s ago"
        raise NotReady(f"the last sweep ended {silence}: are beat and a worker running?")
    return f"last sweep {age:.1f} s ago"


CHECKS: dict[str, Callable[[], str]] = {
    "postgresql": check_postgresql,
    "redis": check_redis,
    "durability": check_durability,
    "eviction": check_eviction,
    "worker": check_worker,
}


def readiness() -> tuple[bool, dict[str, dict[str, str | bool]]]:
    """Run all checks. Returns whether all hold, and what each one said."""
    report: dict[str, dict[str, str | bool]] = {}
    for name, check in CHECKS.items():
        try:
            report[name] = {"ok": True, "detail": check()}
        except NotReady as error:
            report[name] = {"ok": False, "detail": str(error)}
    return all(part["ok"] for part in report.values()), report


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _first_line(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
