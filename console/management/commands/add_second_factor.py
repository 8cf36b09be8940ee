"""manage.py add_second_factor: give an account a second factor, the codes of an app."""

import argparse
from io import StringIO
from typing import Any

import segno

from console.sign_in.second_factor import AccountUnknown, account, give_second_factor
from shop.core.command_line.commands import OperatorCommand, in_plain_words


class Command(OperatorCommand):
    help = (
        "Give an account a second factor. Prints what an app scans, and codes for emergencies; one "
        "that it had before is replaced."
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("username", help="the account in the admin")

    def handle(self, *args: Any, **options: Any) -> None:
        with in_plain_words(AccountUnknown):
            user = account(options["username"])
        url, codes = give_second_factor(user)
        picture = StringIO()
        segno.make(url, micro=False).terminal(out=picture, compact=True)
        self.stdout.write(picture.getvalue())
        self.stdout.write(f"Scan this with an authenticator app, or open\n  {url}\n")
        self.stdout.write("Keep these for the day on which the app is lost, each good for once:")
        self.stdout.write("\n".join(f"  {code}" for code in codes))
