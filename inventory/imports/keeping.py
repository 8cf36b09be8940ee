"""Rows between their preview and its confirmation: those that were shown, and no others, are then
taken in."""

import json
from hashlib import sha256
from uuid import uuid4

from django.core.cache import cache
from django.utils.crypto import constant_time_compare, salted_hmac
from tablib import Dataset

KEPT_SECONDS = 3600  # between the preview and its confirmation
_NAME = 32  # characters of a token that name what is kept; the others seal it


def keep(owner: str, rows: Dataset, state: str) -> str:
    """Keep rows for whichever machine confirms them. Returns a token of letters and digits."""
    name = uuid4().hex
    text = json.dumps({"headers": rows.headers, "rows": rows[:], "state": state})
    cache.set(_key(owner, name), text, KEPT_SECONDS)
    return name + _seal(owner, name, text)


def take(owner: str, token: str) -> tuple[Dataset, str] | None:
    """Return what is kept under a token, and its state, to the first caller.

    None where it is gone, somebody else's, or not what was kept.
    """
    name, seal = token[:_NAME], token[_NAME:]
    text = cache.get(_key(owner, name))
    if not isinstance(text, str) or not constant_time_compare(seal, _seal(owner, name, text)):
        return None
    if not cache.delete(_key(owner, name)):
        return None
    kept = json.loads(text)
    return Dataset(*map(tuple, kept["rows"]), headers=kept["headers"]), kept["state"]


def _key(owner: str, name: str) -> str:
    return f"import:{sha256(f'{owner}:{name}'.encode()).hexdigest()}"


def _seal(owner: str, name: str, text: str) -> str:
    return salted_hmac(
        "inventory.imports", f"{owner}:{name}:{text}", algorithm="sha256"
    ).hexdigest()
