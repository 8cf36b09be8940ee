"""One connection to the mail server for many messages, and what the server says on it."""

import smtplib
from contextlib import suppress
from email import message_from_bytes, policy
from email.utils import parseaddr

from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend

CLOSING = 421  # the server's last word on a connection (RFC 5321, section 3.8)


class ConnectionLost(Exception):
    """The mail server is away, or takes no more messages on any connection."""


class Utf8NotOffered(Exception):
    """The mail server does not take an address beyond ASCII (RFC 6531, section 3.1)."""

    def __init__(self) -> None:
        super().__init__("the mail server does not say SMTPUTF8, which the address needs")


class NotSent(ValueError):
    """The message went to nobody, without a word from the server."""


class MailConnection:
    """A connection to the mail server: opened with the first message, and at most once more."""

    def __init__(self) -> None:
        self._backend: BaseEmailBackend = get_connection()
        self._openings_left = 2
        self._is_open = False

    def send(self, message: EmailMultiAlternatives, *, utf8: bool = False) -> None:
        """Send a message to its one recipient, whose address is beyond ASCII where `utf8` says so.

        Raises ConnectionLost, SMTPException where the server refuses it, Utf8NotOffered, and
        ValueError where it is no message.
        """
        while True:
            self._open()
            try:
                self._send_utf8(message) if utf8 else self._send(message)
                return
            except OSError as error:  # smtplib's errors are such, too
                if not _is_lost(error):
                    raise
                self.close()
                if not self._openings_left:
                    raise ConnectionLost(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Disconnect; a server that is gone already is no error."""
        self._is_open = False
        with suppress(OSError):
            self._backend.close()

    def _send(self, message: EmailMultiAlternatives) -> None:
        if message.message()["To"] != message.to[0]:
            raise NotSent(f"the header To would not be {message.to[0]}")
        if self._backend.send_messages([message]) != 1:
            raise NotSent("the message was sent to nobody")

    def _send_utf8(self, message: EmailMultiAlternatives) -> None:
        """Django would write an address in an encoded word, which is another mailbox's name."""
        server = getattr(self._backend, "connection", None)
        if not isinstance(server, smtplib.SMTP):
            raise Utf8NotOffered
        server.ehlo_or_helo_if_needed()
        if not server.has_extn("smtputf8"):
            raise Utf8NotOffered
        letter = message_from_bytes(message.message().as_bytes(), policy=policy.SMTPUTF8)
        letter.replace_header("To", message.to[0])
        sender = parseaddr(message.from_email)[1]
        options = ["SMTPUTF8", "BODY=8BITMIME"]
        server.sendmail(sender, message.to, letter.as_bytes(), mail_options=options)

    def _open(self) -> None:
        if self._is_open:
            return
        self._openings_left -= 1
        try:
            self._backend.open()
        except OSError as error:
            raise ConnectionLost(f"{type(error).__name__}: {error}") from error
        self._is_open = True


def _is_lost(error: OSError) -> bool:
    """Tell a connection that is gone from an answer that is no."""
    if isinstance(error, smtplib.SMTPResponseException | smtplib.SMTPRecipientsRefused):
        return reply_of(error)[0] == CLOSING
    return not isinstance(error, smtplib.SMTPException) or isinstance(
        error, smtplib.SMTPServerDisconnected
    )


def reply_of(error: smtplib.SMTPException) -> tuple[int, str]:
    """Return what the server said: its code, 0 if it said none, and its text."""
    code, said = 0, b""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        code, said = next(iter(error.recipients.values()))  # there is but one
    elif isinstance(error, smtplib.SMTPResponseException):
        code, said = error.smtp_code, _as_bytes(error.smtp_error)
    return code, said.decode("utf-8", "replace") or str(error)


def _as_bytes(said: bytes | str) -> bytes:
    return said if isinstance(said, bytes) else said.encode()
