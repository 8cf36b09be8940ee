"""manage.py disable_webhook: tell a program of events no more."""

import argparse
from typing import Any

from django.core.management.base import CommandError

from orders.models import Endpoint
from orders.notifications.endpoints import disable
from shop.core.commands import OperatorCommand
from shop.core.terminal import GOOD, Display


class Command(OperatorCommand):
    help = (
        "Tell a webhook of events no more. What waits for it stays, and goes out once it is "
        "enabled in the admin."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("url", help="where events were sent to")

    def handle(self, *args: Any, **options: Any) -> None:
        found = Endpoint.objects.filter(channel=Endpoint.Channel.WEBHOOK, url=options["url"])
        if not found:
            raise CommandError(f"There is no webhook to {options['url']}.")
        for endpoint in found:
            disable(endpoint)
        Display(self.stdout, options).say(f"{options['url']} is told of nothing more.", GOOD)
