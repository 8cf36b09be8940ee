"""Clients and sales by the reference cache, read again where it lacks one."""

import hashlib
from collections.abc import Callable
from typing import TypeVar

from orders.http import problems
from orders.http.problems import Problem, Refused

from .reference_cache import Client, KnownSale, ReferenceCache, Snapshot

T = TypeVar("T")


class NotCached(Refused):
    """Refused for a client or sale that the snapshot lacks: a newer one may have it."""


class UnknownKey(NotCached):
    """Refused for a key whose hash the snapshot lacks."""

    def __init__(self, problem: Problem, key_hash: str) -> None:
        super().__init__(problem)
        self.key_hash = key_hash


def authenticate(snapshot: Snapshot, authorization: bytes) -> Client:
    """Return the client whose key an Authorization header gives. Raises Refused, NotCached."""
    if client := snapshot.callers.get(authorization):
        return client
    scheme, _, key = authorization.strip().partition(b" ")
    if scheme.lower() != b"bearer" or not key.strip():
        raise Refused(Problem(problems.UNAUTHENTICATED, "The API key is missing."))
    key_hash = hashlib.sha256(key.strip()).hexdigest()
    client = snapshot.clients.get(key_hash)
    if client is None:
        problem = Problem(problems.UNAUTHENTICATED, "The API key is not known.")
        if key_hash in snapshot.unknown_keys:
            raise Refused(problem)
        raise UnknownKey(problem, key_hash)
    snapshot.remember(authorization, client)
    return client


def require_sale(snapshot: Snapshot, slug: str) -> KnownSale:
    """Return the sale of this slug. Raises NotCached."""
    sale = snapshot.sales.get(slug)
    if sale is None:
        raise NotCached(Problem(problems.UNKNOWN_SALE, f"There is no sale {slug!r}."))
    return sale


async def look_up(references: ReferenceCache, look: Callable[[Snapshot], T]) -> T:
    """Return `look(snapshot)`, with a newer snapshot where the first one lacks something.

    Raises what `look` raises, and ReferenceCacheUnavailable.
    """
    try:
        return look(await references.current())
    except NotCached:
        return look(await references.refreshed())


async def client_of(references: ReferenceCache, authorization: bytes) -> Client:
    """Return the client whose key a header gives. Raises Refused, ReferenceCacheUnavailable."""
    try:
        return await look_up(references, lambda snapshot: authenticate(snapshot, authorization))
    except UnknownKey as unknown:
        (await references.current()).note_unknown(unknown.key_hash)
        raise


async def may_have_sale(references: ReferenceCache, slug: str) -> bool:
    """Tell whether there may be a sale of this slug, without a query of its own.

    True where PostgreSQL is away and nothing is known. Raises ReferenceCacheUnavailable.
    """
    try:
        await look_up(references, lambda snapshot: require_sale(snapshot, slug))
    except Refused:
        return references.cached() is None
    return True
