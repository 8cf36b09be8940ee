"""manage.py list_webhooks: list webhooks with their events, their owners and their state."""

import argparse
import json
from typing import Any

from orders.errors import ClientUnknown
from orders.models import Endpoint
from orders.notifications.webhook.endpoints import state_of
from orders.services.clients import find_client
from shop.core import clock
from shop.core.command_line.commands import OperatorCommand, in_plain_words
from shop.core.command_line.terminal import Display

COLUMNS = ("id", "URL", "orders of", "events", "state", "reason")


class Command(OperatorCommand):
    help = "List webhooks: their URLs, the clients whose orders they are sent, and their state."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--client", metavar="NAME", help="only those of this client")
        parser.add_argument("--json", action="store_true", help="print the webhooks as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Endpoint.objects.filter(channel=Endpoint.Channel.WEBHOOK)
        if options["client"] is not None:
            with in_plain_words(ClientUnknown):
                found = found.filter(client=find_client(options["client"]))
        if options["json"]:
            document = {"webhooks": [_document(endpoint) for endpoint in found]}
            self.stdout.write(json.dumps(document))
        else:
            display = Display(self.stdout, options)
            display.table(COLUMNS, [_row(endpoint) for endpoint in found])


def _row(endpoint: Endpoint) -> tuple[Any, ...]:
    events = ", ".join(endpoint.events) or "all"
    return (str(endpoint.pk), endpoint.url, endpoint.owner, events, *state_of(endpoint))


def _document(endpoint: Endpoint) -> dict[str, Any]:
    state, reason = state_of(endpoint)
    return {
        "id": endpoint.pk,
        "url": endpoint.url,
        "client": endpoint.client.name if endpoint.client else None,
        "events": endpoint.events,
        "state": state,
        "reason": reason,
        "created_at": clock.rfc3339(clock.to_ms(endpoint.created_at)),
    }
