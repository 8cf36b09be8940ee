"""Authentication by API key."""

import hashlib
import time
from functools import lru_cache

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .models import Client

TRUST_SECONDS = 60
MOST_CLIENTS = 1_024


class ApiKeyAuthentication(BaseAuthentication):
    """Takes `Authorization: Bearer <key>`."""

    def authenticate(self, request: Request) -> tuple[Client, None]:
        """Return the client with this key, or raise AuthenticationFailed (401)."""
        scheme, _, key = request.headers.get("Authorization", "").partition(" ")
        digest = hashlib.sha256(key.encode()).hexdigest()
        client = _client(digest, int(time.monotonic() // TRUST_SECONDS))
        if scheme != "Bearer" or client is None:
            raise AuthenticationFailed
        return client, None

    def authenticate_header(self, request: Request) -> str:
        """Return the scheme for `WWW-Authenticate`."""
        return "Bearer"


@lru_cache(maxsize=MOST_CLIENTS)
def _client(digest: str, period: int) -> Client | None:
    """Return the client; PostgreSQL is asked once in a period, so that a revoked key ends."""
    return Client.objects.filter(key_digest=digest).first()
