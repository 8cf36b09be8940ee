"""The management command line: plain words for what is refused and for servers that are away."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from io import TextIOWrapper
from typing import Any, NoReturn

import redis
from django.conf import settings
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.core.management import (
    BaseCommand,
    CommandError,
    CommandParser,
    execute_from_command_line,
    get_commands,
)
from django.db import DatabaseError, InterfaceError, OperationalError, ProgrammingError
from kombu.exceptions import OperationalError as BrokerError

from shop.core.error_text import first_line

from . import arguments

REFUSED = 1  # or found; nothing was changed by it
SERVER_AWAY = 2  # or read-only, or broken: it could not be done now
INTERRUPTED, NOBODY_READS = 128 + signal.SIGINT, 128 + signal.SIGPIPE  # as shells have it
_OURS = ("inventory", "orders", "shop.")
# PostgreSQL, appendix A.
_NO_SUCH_TABLE, _NO_SUCH_COLUMN, _READ_ONLY = "42P01", "42703", "25006"
HOW_TO_START = (
    "Start the local stack with `make up`, or set DATABASE_URL and REDIS_URL to your own servers."
)


class OperatorCommand(BaseCommand):
    """A command for those who run sales, also while something else is broken.

    Django's checks look at every page of the admin, and some of them into the database; they are
    for those who deploy, and run with `migrate`.
    """

    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Return a parser that refuses arguments in one line, with exit code 1."""
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.error = partial(_refuse_arguments, parser)  # type: ignore[method-assign]
        # An argument without a type is one of plain text, so that what is odd is named with it.
        parser.register("type", None, arguments.plain_text)
        return parser

    def execute(self, *args: Any, **options: Any) -> str | None:
        """Run the command; the text of a CommandError is kept short."""
        try:
            return super().execute(*args, **options)
        except CommandError as error:
            error.args = (arguments.shortly(str(error)),)
            raise


def _refuse_arguments(parser: CommandParser, message: str) -> NoReturn:
    """Say in one line what is wrong; argparse would say how all of it goes, and end with 2."""
    message = arguments.shortly(message)
    if not parser.called_from_command_line:
        raise CommandError(f"Error: {message}")
    parser.exit(REFUSED, f"{parser.prog}: {message} (--help says how it goes)\n")
    raise SystemExit(REFUSED)


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

    The exit code is the error's own `returncode` where it has one, `returncode` where not, and 2
    where the cause is a server that does not answer; then the text says how to start one.
    """
    try:
        yield
    except errors as error:
        text = _of_fields(error) if isinstance(error, ValidationError) else str(error)
        if isinstance(error.__cause__, redis.RedisError):
            raise CommandError(f"{text} {HOW_TO_START}", returncode=SERVER_AWAY) from error
        code = getattr(error, "returncode", returncode)
        raise CommandError(text, returncode=code) from error


def _of_fields(error: ValidationError) -> str:
    """Return what a check of a row found, each with the name of its field where it is about one."""
    if not hasattr(error, "error_dict"):
        return "; ".join(error.messages)
    found = [(name, text) for name, texts in error.message_dict.items() for text in texts]
    return "; ".join(
        text if name == NON_FIELD_ERRORS else f"{name}: {text}" for name, text in found
    )


def _run(arguments: Sequence[str]) -> int:
    try:
        execute_from_command_line(list(arguments))
    except BrokenPipeError:
        raise
    except Exception as error:
        said = in_one_line(error)
        if "--traceback" in arguments or not (said or _is_ours(arguments)):
            raise
        if isinstance(error, ProgrammingError) and "migrate" in arguments:
            raise
        sys.stderr.write(f"{said or _unforeseen(error)}\n")
        return SERVER_AWAY
    finally:
        sys.stdout.flush()  # here, where a reader that has gone is no surprise
    return 0


def in_one_line(error: Exception) -> str:
    """Return what is wrong with a server, in one line; "" where something else is wrong."""
    if isinstance(error, DatabaseError | InterfaceError):
        return _of_postgresql(error)
    if isinstance(error, BrokerError):
        return _away("The broker", settings.CELERY_BROKER_URL, error)
    if isinstance(error, redis.ConnectionError | redis.TimeoutError):
        return _away("Redis", settings.REDIS_URL, error)
    if isinstance(error, redis.RedisError):
        address = _without_password(settings.REDIS_URL)
        return f"Redis at {address} could not do it now: {first_line(error)}"
    return ""


def _of_postgresql(error: Exception) -> str:
    code, said = getattr(error.__cause__, "pgcode", None), first_line(error)
    if code == _READ_ONLY:
        return f"PostgreSQL at {_database_address()} takes no writes now, it is read-only: {said}"
    if code in (_NO_SUCH_TABLE, _NO_SUCH_COLUMN):
        return f"{said}: the database is of another version. manage.py migrate"
    if code is None and isinstance(error, OperationalError | InterfaceError):
        return _away("PostgreSQL", _database_address(), error)
    if isinstance(error, OperationalError):
        return f"PostgreSQL at {_database_address()} could not do it now: {said}"
    return ""


def _is_ours(arguments: Sequence[str]) -> bool:
    app = get_commands().get(arguments[1] if len(arguments) > 1 else "help", "")
    return isinstance(app, str) and app.startswith(_OURS)


def _unforeseen(error: Exception) -> str:
    return f"It failed ({type(error).__name__}: {first_line(error)}). --traceback shows where."


def _let_django_know_of_no_color(arguments: Sequence[str]) -> None:
    """Django has --no-color and DJANGO_COLORS, but does not know https://no-color.org."""
    if os.environ.get("NO_COLOR") and "--force-color" not in arguments:
        os.environ.setdefault("DJANGO_COLORS", "nocolor")


def _away(server: str, address: str, error: Exception) -> str:
    address = _without_password(address)
    return f"{server} does not answer at {address}: {first_line(error)} {HOW_TO_START}"


def _database_address() -> str:
    database = settings.DATABASES["default"]
    return f"{database['HOST'] or 'localhost'}:{database['PORT'] or 5432}/{database['NAME']}"


def _without_password(url: str) -> str:
    return url.rpartition("@")[2] if "@" in url else url
