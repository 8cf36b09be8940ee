"""manage.py create_client: an API key for a storefront."""

import argparse
from typing import Any

from django.core.exceptions import ValidationError

from orders.errors import ClientExists
from orders.services.clients import create_client
from shop.core.commands import OperatorCommand, in_plain_words


class Command(OperatorCommand):
    help = "Create an API client and print its key, alone, as the last line. It is shown only now."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="who it is: the storefront, the app, the partner")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_plain_words(ClientExists, ValidationError):
            client, key = create_client(name=options["name"])
        self.stderr.write(f"Client {client.name} may place orders with this key:")
        self.stdout.write(key)
