"""The Redis side of stock: one typed wrapper around the Lua files.

Reservations come from an event loop and have a module of their own: `inventory.reserving`.
"""

from .decisions import Decision
from .records import (
    accepted_orders,
    on_record,
    places_among_releases,
    read_record,
    request_record,
    restore_requests,
)
from .repairs import adjust_available, clear, fence, fence_on, shorten_refusals
from .scripts import Rules, allocate, load, publish, reacquire, release
from .snapshots import are_there, epochs, forgotten_refusals, server, server_and_snapshot, snapshot

__all__ = [
    "Decision",
    "Rules",
    "accepted_orders",
    "adjust_available",
    "allocate",
    "are_there",
    "clear",
    "epochs",
    "fence",
    "fence_on",
    "forgotten_refusals",
    "load",
    "on_record",
    "places_among_releases",
    "publish",
    "reacquire",
    "read_record",
    "release",
    "request_record",
    "restore_requests",
    "server",
    "server_and_snapshot",
    "shorten_refusals",
    "snapshot",
]
