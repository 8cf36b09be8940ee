"""Everything that is noted while a demo sale goes on."""

from dataclasses import dataclass, field

from proof.demo.sampler import Sampler

from .book import Book
from .follow_ups import FollowUps
from .inbox import Inbox


@dataclass(frozen=True)
class Records:
    """The answers of clients, provider and receiver so far, and how far the ledger is."""

    inbox: Inbox
    sampler: Sampler
    book: Book = field(default_factory=Book)
    follow_ups: FollowUps = field(default_factory=FollowUps)
