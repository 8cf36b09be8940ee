"""manage.py enable_webhook: send events to a program's URL again."""

import argparse
from typing import Any

from orders.management import webhook_arguments
from orders.notifications.webhook.endpoints import enable
from shop.core.command_line.commands import OperatorCommand
from shop.core.command_line.terminal import GOOD, Display


class Command(OperatorCommand):
    help = (
        "Send events again to a webhook that was switched off, by a person or because calls had "
        "failed. Waiting events go out; its secret stays the same."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        webhook_arguments.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        display = Display(self.stdout, options)
        for endpoint in webhook_arguments.chosen_webhooks(options["url"], options["client"]):
            enable(endpoint)
            whose = f"of the orders of {endpoint.owner}"
            display.say(f"{endpoint.url} is told of events {whose} from now on.", GOOD)
