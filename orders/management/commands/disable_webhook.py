"""manage.py disable_webhook: tell a program of events no more."""

import argparse
from typing import Any

from orders.management import webhook_arguments
from orders.notifications.endpoints import disable
from shop.core.command_line.commands import OperatorCommand
from shop.core.command_line.terminal import GOOD, Display


class Command(OperatorCommand):
    help = (
        "Tell a webhook of events no more. What waits for it stays, and goes out once it is "
        "enabled, by manage.py enable_webhook or in the admin."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        webhook_arguments.add_arguments(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        display = Display(self.stdout, options)
        for endpoint in webhook_arguments.chosen_webhooks(options["url"], options["client"]):
            disable(endpoint)
            whose = f"of the orders of {endpoint.owner}"
            display.say(f"{endpoint.url} is told of nothing more {whose}.", GOOD)
