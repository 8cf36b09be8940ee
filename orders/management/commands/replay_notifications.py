"""manage.py replay_notifications: send events again to those who are told of them."""

import argparse
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.dateparse import parse_datetime

from orders.notifications.replay import ended_deliveries, replay


class Command(BaseCommand):
    help = (
        "Send events again, with the ids that they had: those that were delivered or given up. "
        "Deliveries to endpoints that are off are left alone."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        moment = "ISO 8601 (no zone: UTC)"
        parser.add_argument("--since", metavar="ISO", help=f"events from then on, {moment}")
        parser.add_argument("--until", metavar="ISO", help=f"events before then, {moment}")
        parser.add_argument("--dead", action="store_true", help="only what was given up")

    def handle(self, *args: Any, **options: Any) -> None:
        since, until = _moment("--since", options["since"]), _moment("--until", options["until"])
        if since and until and since >= until:
            raise CommandError("--since has to be before --until.")
        chosen = ended_deliveries(since=since, until=until, dead_only=options["dead"])
        again, left_alone = replay(chosen)
        self.stdout.write(f"Deliveries sent again: {again:,}")
        if left_alone:
            self.stdout.write(f"Left alone, since their endpoints are off: {left_alone:,}")


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:  # well formed, and no moment: 30 February
        moment = None
    if moment is None:
        raise CommandError(f"{option} {text!r} is no time as ISO 8601 writes it: 2026-11-27T12:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
