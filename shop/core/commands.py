"""The management command line: plain words for what is refused and for servers that are away."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper

import redis
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.management import BaseCommand, CommandError, execute_from_command_line
from django.db import InterfaceError, OperationalError, ProgrammingError
from kombu.exceptions import OperationalError as BrokerError

REFUSED = 1
SERVER_AWAY = 2
INTERRUPTED, NOBODY_READS = 128 + signal.SIGINT, 128 + signal.SIGPIPE  # as shells have it
_REDIS_AWAY = (redis.ConnectionError, redis.TimeoutError)
_NO_SUCH_TABLE = "42P01"  # PostgreSQL, appendix A
HOW_TO_START = (
    "Start the local stack with `make up`, or set DATABASE_URL and REDIS_URL to your own servers."
)


class OperatorCommand(BaseCommand):
    """A command for those who run sales, also while something else is broken.

    Django's checks look at every page of the admin, and some of them into the database; they are
    for those who deploy, and run with `migrate`.
    """

    requires_system_checks = ()


def run_command_line(arguments: Sequence[str]) -> int:
    """Run a management command. Returns its exit code; 2 when PostgreSQL or Redis is away."""
    _let_django_know_of_no_color(arguments)
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # it may not know every character
    try:
        return _run(arguments)
    except BrokenPipeError:  # `manage.py … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    except KeyboardInterrupt:
        return INTERRUPTED


@contextmanager
def in_plain_words(*errors: type[Exception], returncode: int = REFUSED) -> Iterator[None]:
    """Make these errors the command's own, which are printed as they are and end it.

    The exit code is `returncode`, or 2 where the cause is a server that does not answer; then the
    text says how to start one.
    """
    try:
        yield
    except errors as error:
        text = "; ".join(error.messages) if isinstance(error, ValidationError) else str(error)
        if isinstance(error.__cause__, _REDIS_AWAY):
            raise CommandError(f"{text}\n{HOW_TO_START}", returncode=SERVER_AWAY) from error
        raise CommandError(text, returncode=returncode) from error


def _run(arguments: Sequence[str]) -> int:
    try:
        execute_from_command_line(list(arguments))
    except (OperationalError, InterfaceError) as error:
        return _say("PostgreSQL", _database_address(), error)
    except (*_REDIS_AWAY, BrokerError) as error:
        return _say("Redis", _without_password(settings.REDIS_URL), error)
    except ProgrammingError as error:
        if "migrate" in arguments or not _is_for_want_of_a_table(error):
            raise
        sys.stderr.write(
            f"{first_line(error)}\nThe database is of another version: manage.py migrate\n"
        )
        return SERVER_AWAY
    finally:
        sys.stdout.flush()  # here, where a reader that has gone is no surprise
    return 0


def _let_django_know_of_no_color(arguments: Sequence[str]) -> None:
    """Django has --no-color and DJANGO_COLORS, but does not know https://no-color.org."""
    if os.environ.get("NO_COLOR") and "--force-color" not in arguments:
        os.environ.setdefault("DJANGO_COLORS", "nocolor")


def _say(server: str, address: str, error: Exception) -> int:
    sys.stderr.write(
        f"{server} does not answer at {address}: {first_line(error)}\n{HOW_TO_START}\n"
    )
    return SERVER_AWAY


def first_line(error: Exception) -> str:
    """Return the first line of an error's text, or its kind where it has none."""
    return (str(error) or type(error).__name__).splitlines()[0]


def _is_for_want_of_a_table(error: ProgrammingError) -> bool:
    return getattr(error.__cause__, "pgcode", None) == _NO_SUCH_TABLE


def _database_address() -> str:
    database = settings.DATABASES["default"]
    return f"{database['HOST'] or 'localhost'}:{database['PORT'] or 5432}/{database['NAME']}"


def _without_password(url: str) -> str:
    return url.rpartition("@")[2] if "@" in url else url
