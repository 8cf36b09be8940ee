"""manage.py create_client: create an API key for a storefront."""

import argparse
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management import CommandError

from orders.errors import ClientExists, UnusableKey
from orders.models import ApiClient
from orders.services.clients import create_client, ensure_client
from shop.core.command_line import arguments
from shop.core.command_line.commands import OperatorCommand, in_plain_words

MOST_CHARACTERS = 1000  # of a file with a key; anything longer is another file


class Command(OperatorCommand):
    help = "Create an API client and print its key, alone, as the last line. It is shown only now."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="its name: the storefront, the app, the partner")
        parser.add_argument(
            "--rate",
            type=arguments.whole(1, 1_000_000),
            metavar="PER_SECOND",
            help="orders a second that it may place (default: no limit)",
        )
        parser.add_argument(
            "--key-from",
            metavar="FILE",
            help="a file with the key that it is to have, - for standard input; a client of this "
            "name that is there already gets this key and this rate",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        with in_plain_words(ClientExists, UnusableKey, ValidationError):
            client, key = self._create(**options)
        limit = f"{client.rate_limit} orders a second" if client.rate_limit else "no limit"
        self.stderr.write(f"Client {client.name} may place orders, {limit}, with this key:")
        self.stdout.write(key)

    def _create(
        self, *, name: str, rate: int | None, key_from: str | None, **_: Any
    ) -> tuple[ApiClient, str]:
        if key_from is None:
            return create_client(name=name, rate_limit=rate)
        key = _key_in(key_from)
        return ensure_client(name=name, key=key, rate_limit=rate), key


def _key_in(path: str) -> str:
    try:
        with sys.stdin if path == "-" else Path(path).open(encoding="utf-8") as file:
            return file.read(MOST_CHARACTERS).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"No key can be read from {path}: {error}") from error
