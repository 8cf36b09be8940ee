"""manage.py create_webhook: tell a program of events."""

import argparse
from typing import Any

from orders.domain import EventType
from orders.notifications.endpoints import create_webhook
from orders.notifications.targets import TargetRefused
from shop.core.commands import OperatorCommand, in_plain_words


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

    def handle(self, *args: Any, **options: Any) -> None:
        events = [EventType(event) for event in options["event"]]
        with in_plain_words(TargetRefused):
            endpoint, secret = create_webhook(url=options["url"], events=events)
        told = ", ".join(endpoint.events) or "all events"
        self.stderr.write(f"{endpoint.url} is told {told}, signed with this secret:")
        self.stdout.write(secret)
