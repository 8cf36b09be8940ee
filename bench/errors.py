"""Errors of a measurement; their text is meant for the terminal."""

import psycopg2
import redis

from shop.local.errors import LocalStackError

# Errors that spoil a measurement and nothing else; all other errors are our own.
TROUBLE = (LocalStackError, OSError, psycopg2.Error, redis.RedisError)


class WrkMissing(LocalStackError):
    """The load generator is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "the benchmark needs wrk, the HTTP load generator: apt-get install wrk "
            "(Debian, Ubuntu) or brew install wrk"
        )


class LoadFailed(LocalStackError):
    """A load generator ended without figures."""


class NotMeasured(LocalStackError):
    """A scenario has nothing to measure here; the text says why."""
