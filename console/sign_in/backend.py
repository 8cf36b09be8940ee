"""Checking passwords, a few at a time: each costs a third of a second of a processor.

Orders are answered by the same processors. Without a bound, thirty wrong passwords at once take an
order's answer from 4 to 88 ms.
"""

from threading import BoundedSemaphore
from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

AT_ONCE = 2
PATIENCE_SECONDS = 2.0

_hashing = BoundedSemaphore(AT_ONCE)


class Busy(Exception):
    """Too many passwords are being checked; this one was not."""


class BoundedBackend(ModelBackend):
    """Django's accounts, of whose passwords at most `AT_ONCE` are checked at a time."""

    def authenticate(  # type: ignore[override]  # the stubs disagree with themselves
        self, request: HttpRequest | None, **kwargs: Any
    ) -> User | None:
        """Return the account if name and password are right. Raises Busy after two seconds."""
        if not _hashing.acquire(timeout=PATIENCE_SECONDS):
            raise Busy
        try:
            return super().authenticate(request, **kwargs)
        finally:
            _hashing.release()
