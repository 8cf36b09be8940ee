"""A real SMTP server that keeps what it gets, and refuses or hangs up where a test wants it to."""

import email
import email.policy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.processes import free_port

Refusal = Callable[[str], str | None]


class Post:
    """What arrives at the mail server."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []
        self.envelopes: list[list[str]] = []  # to whom each was sent, whatever it says
        self.connections = 0
        # Gives a reply for a recipient that is refused, None for one that is welcome.
        self.refuses: Refusal = lambda recipient: None
        # How many messages a connection takes before the server drops it; 0: any number.
        self.drops_after = 0

    def letter_to(self, recipient: str) -> EmailMessage:
        [letter] = [letter for letter in self.letters if letter["To"] == recipient]
        return letter

    def bodies(self, letter: EmailMessage) -> list[str]:
        """A letter's text and HTML, each with its line breaks as blanks."""
        parts = [letter.get_body((kind,)) for kind in ("plain", "html")]
        return [" ".join(part.get_content().split()) for part in parts if part]

    def recipients(self) -> list[str]:
        return [letter["To"] for letter in self.letters]

    async def handle_EHLO(  # noqa: N802 - the library's names
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, replies: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        session.taken = 0
        return replies

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Any, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.drops_after and session.taken >= self.drops_after:
            server.transport.abort()
        if refusal := self.refuses(address):
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Any, envelope: Envelope) -> str:  # noqa: N802
        session.taken += 1
        self.envelopes.append(list(envelope.rcpt_tos))
        content = envelope.content
        assert isinstance(content, bytes)
        self.letters.append(email.message_from_bytes(content, policy=email.policy.default))
        return "250 OK"


@contextmanager
def mail_server(*, smtputf8: bool = False) -> Iterator[tuple[Post, int]]:
    """Run the server and give it with its port."""
    post, port = Post(), free_port()
    controller = Controller(post, hostname="127.0.0.1", port=port, enable_SMTPUTF8=smtputf8)
    controller.start()
    try:
        yield post, port
    finally:
        controller.stop()
