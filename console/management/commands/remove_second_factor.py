"""manage.py remove_second_factor: let an account sign in with its password alone again."""

import argparse
from typing import Any

from django.core.management import CommandError

from console.sign_in.second_factor import AccountUnknown, account, remove_second_factor
from shop.core.command_line.commands import OperatorCommand, in_plain_words


class Command(OperatorCommand):
    help = "Take the second factor from an account whose app and codes are lost."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username", help="the account in the admin")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_plain_words(AccountUnknown):
            user = account(options["username"])
        if not remove_second_factor(user):
            raise CommandError(f"{user} has no second factor.")
        self.stdout.write(f"{user} signs in with the password alone.")
