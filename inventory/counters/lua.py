"""Calls of the Lua files, whose contracts stand at their tops."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import redis

from inventory import errors
from shop.core.stores.redis import script

LUA = Path(__file__).parent.parent / "lua"


def call(name: str, keys: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
    """Return the reply of a Lua file. Raises redis.RedisError."""
    return script(LUA / name)(keys=keys, args=arguments)


def ask(name: str, keys: Sequence[str], arguments: Sequence[Any] = ()) -> Any:
    """Return the reply of a Lua file. Raises CountersUnavailable."""
    try:
        return call(name, keys, arguments)
    except redis.RedisError as error:
        raise errors.CountersUnavailable(f"Redis does not answer: {error}") from error


def run(slug: str, name: str, keys: Sequence[str], arguments: Sequence[Any]) -> list[Any]:
    """Return the reply of a Lua file that works only on counters of the right epoch.

    Raises CountersLost, CountersUnavailable, ServerNotCompared.
    """
    reply: list[Any] = ask(name, keys, arguments)
    require_counters(slug, reply)
    return reply


def require_counters(slug: str, reply: list[Any]) -> None:
    """Raise CountersLost or ServerNotCompared where a script replied that it did nothing."""
    if reply and reply[0] in (-1, -2, -3):
        raise errors.CountersLost(slug)
    if reply and reply[0] == -4:
        raise errors.ServerNotCompared(reply[1])
