"""Everything that is noted while a demo sale goes on."""

from dataclasses import dataclass, field

from shop.local.demo.book import Book
from shop.local.demo.dealings import Dealings
from shop.local.demo.inbox import Inbox
from shop.local.demo.sampler import Sampler


@dataclass(frozen=True)
class Records:
    """What clients, provider and receiver were told, and how far the ledger is."""

    inbox: Inbox
    sampler: Sampler
    book: Book = field(default_factory=Book)
    dealings: Dealings = field(default_factory=Dealings)
