"""The arguments by which a command finds its webhooks."""

from argparse import ArgumentParser

from django.core.management.base import CommandError

from orders.errors import ClientUnknown
from orders.models import Endpoint
from orders.notifications.webhook.endpoints import webhooks_at
from orders.services.clients import find_client
from shop.core.command_line.commands import in_plain_words


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments for the webhooks at a URL: of all clients, or of one."""
    parser.add_argument("url", help="where events are sent to")
    parser.add_argument(
        "--client",
        metavar="NAME",
        help="only the webhook of this client (default: every webhook to the URL)",
    )


def chosen_webhooks(url: str, client_name: str | None) -> list[Endpoint]:
    """Return the webhooks that the arguments name. Raises CommandError where there is none."""
    found, whose = webhooks_at(url), ""
    if client_name is not None:
        with in_plain_words(ClientUnknown):
            client = find_client(client_name)
        found, whose = found.filter(client=client), f" of {client.name}"
    if not found:
        raise CommandError(f"There is no webhook{whose} to {url}.")
    return list(found)
