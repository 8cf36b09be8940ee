"""manage.py replay_notifications: send events to their endpoints again."""

import argparse
import json
from collections.abc import Iterator
from math import ceil
from typing import Any

from django.core.management.base import CommandError
from django.db.models import QuerySet

from orders.models import Delivery
from orders.notifications.replay import BATCH, Replayed, ended_deliveries, replay
from shop.core.command_line import arguments
from shop.core.command_line.commands import OperatorCommand
from shop.core.command_line.terminal import Display


class Command(OperatorCommand):
    help = (
        "Send events again, with the ids that they had: those that were delivered or given up. "
        "Deliveries to endpoints that are off are left alone."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        moment: dict[str, Any] = {"type": arguments.moment, "metavar": "ISO"}
        iso = "ISO 8601 (no zone: UTC)"
        parser.add_argument("--since", **moment, help=f"events from then on, {iso}")
        parser.add_argument("--until", **moment, help=f"events before then, {iso}")
        parser.add_argument("--dead", action="store_true", help="only what was given up")
        parser.add_argument("--json", action="store_true", help="print the counts as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        since, until = options["since"], options["until"]
        if since and until and since >= until:
            raise CommandError("--since has to be before --until.")
        display = Display(self.stdout, options)
        chosen = ended_deliveries(since=since, until=until, dead_only=options["dead"])
        done = _replay_all(chosen, display)
        if options["json"]:
            self.stdout.write(json.dumps(done._asdict()))
            return
        display.say(f"Deliveries sent again: {done.again:,}")
        if done.left_alone:
            display.say(f"Left alone, since their endpoints are off: {done.left_alone:,}")


def _replay_all(chosen: QuerySet[Delivery], display: Display) -> Replayed:
    again = left_alone = 0
    with display.progress("Sending again", total=ceil(chosen.count() / BATCH)) as step:
        for batch in _batches(chosen):
            done = replay(batch)
            again += done.again
            left_alone += done.left_alone
            step()
    return Replayed(again, left_alone)


def _batches(chosen: QuerySet[Delivery]) -> Iterator[QuerySet[Delivery]]:
    """Yield the chosen deliveries in parts, by id: those sent again leave the choice meanwhile."""
    ids = chosen.order_by("pk").values_list("pk", flat=True)
    last = 0
    while part := list(ids.filter(pk__gt=last)[:BATCH]):
        yield Delivery.objects.filter(pk__in=part)
        last = part[-1]
