"""API keys for the stack's own use, kept with its state and used again at the next start."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .stack import Stack


@dataclass(frozen=True, slots=True)
class Key:
    """The key of a client of the stack's own."""

    kept_as: str  # in credentials.json
    client: str


async def ensure_key(stack: Stack, key: Key) -> str:
    """Return a key that works: the one that is kept, else a new one.

    The key is made and kept here before its client is told: a start that is cut off loses none, and
    a database that is another one than last time gets the client that it lacks.
    """
    if not (kept := stack.credentials.get(key.kept_as)):
        kept = f"fso_{secrets.token_urlsafe(32)}"
        stack.credentials.keep(key.kept_as, kept)
    await stack.manage("create_client", key.client, "--key-from", "-", standard_input=kept)
    return kept
