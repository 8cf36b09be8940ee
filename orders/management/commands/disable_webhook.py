"""manage.py disable_webhook: stop sending events to a program's URL."""

import argparse
from typing import Any

from orders.management import webhook_arguments
from orders.notifications.webhook.endpoints import disable
from shop.core.command_line.commands import OperatorCommand
from shop.core.command_line.terminal import GOOD, Display


class Command(OperatorCommand):
    help = (
        "Stop sending events to a webhook. Waiting events stay, and go out once it is "
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
