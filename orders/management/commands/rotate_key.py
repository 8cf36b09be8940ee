"""manage.py rotate_key: replace the API key of a storefront."""

import argparse
from typing import Any

from orders.errors import ClientUnknown
from orders.services.clients import find_client, give_new_key
from shop.core.command_line.commands import OperatorCommand, in_plain_words


class Command(OperatorCommand):
    help = (
        "Give an API client a new key and print it, alone, as the last line. It is shown only now; "
        "the key that it had is refused within seconds."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("name", help="its name, as given to manage.py create_client")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_plain_words(ClientUnknown):
            client = find_client(options["name"])
        key = give_new_key(client)
        self.stderr.write(f"Client {client.name} may place orders with this key alone:")
        self.stdout.write(key)
