"""manage.py create_webhook: send events to a program's URL."""

import argparse
from typing import Any

from orders.domain import EventType
from orders.errors import ClientUnknown, EndpointExists
from orders.notifications.webhook.endpoints import create_webhook
from orders.notifications.webhook.targets import TargetRefused
from orders.services.clients import find_client
from shop.core.command_line.commands import OperatorCommand, in_plain_words


class Command(OperatorCommand):
    help = (
        "Create a webhook (Standard Webhooks) and print its signing secret, alone, as the last "
        "line. It is shown only now."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("url", help="where events are sent to")
        parser.add_argument(
            "--event",
            action="append",
            default=[],
            choices=[event.value for event in EventType],
            metavar="TYPE",
            help="an event that it is told, such as order.paid; repeat for more (default: all)",
        )

        parser.add_argument(
            "--client",
            metavar="NAME",
            help="tell it of this client's orders alone (default: of those of the whole shop)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        events = [EventType(event) for event in options["event"]]
        with in_plain_words(TargetRefused, EndpointExists, ClientUnknown):
            client = None if options["client"] is None else find_client(options["client"])
            endpoint, secret = create_webhook(url=options["url"], events=events, client=client)
        told = ", ".join(endpoint.events) or "all events"
        self.stderr.write(
            f"{endpoint.url} is told {told} of the orders of {endpoint.owner}, signed with this "
            "secret:"
        )
        if endpoint.waits_for_its_client:
            self.stderr.write(f"It waits until the client {endpoint.owner} is activated.")
        self.stdout.write(secret)
