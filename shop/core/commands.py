"""The management command line, with plain words for servers that are not there."""

import sys
from collections.abc import Sequence

import redis
from django.conf import settings
from django.core.management import execute_from_command_line
from django.db import OperationalError
from kombu.exceptions import OperationalError as BrokerError

SERVER_AWAY = 2


def run_command_line(arguments: Sequence[str]) -> int:
    """Run a management command. Returns its exit code; 2 when PostgreSQL or Redis is away."""
    try:
        execute_from_command_line(list(arguments))
    except OperationalError as error:
        return _say("PostgreSQL", _database_address(), error)
    except (redis.ConnectionError, redis.TimeoutError, BrokerError) as error:
        return _say("Redis", _without_password(settings.REDIS_URL), error)
    return 0


def _say(server: str, address: str, error: Exception) -> int:
    reason = (str(error) or type(error).__name__).splitlines()[0]
    sys.stderr.write(
        f"{server} does not answer at {address}: {reason}\n"
        "Start the local stack with `make up`, or set DATABASE_URL and REDIS_URL to your own "
        "servers.\n"
    )
    return SERVER_AWAY


def _database_address() -> str:
    database = settings.DATABASES["default"]
    return f"{database['HOST'] or 'localhost'}:{database['PORT'] or 5432}/{database['NAME']}"


def _without_password(url: str) -> str:
    return url.rpartition("@")[2] if "@" in url else url
