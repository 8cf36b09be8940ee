"""All that is known of a demo sale once it is over, with the first conclusions. Pure."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from proof.answers import Answer
from proof.demo.people.order_plans import PlannedOrder
from proof.demo.people.plan import Plan
from proof.reconciliation import DriftCheck

from .book import Book
from .follow_ups import FollowUps
from .inbox import Inbox
from .ledger import Ledger, Row
from .occupancy import FOR_GOOD, Occupancy, peaks

REJECTED = "rejected"
RELEASING_EVENTS = {"order.cancelled", "order.expired", "order.refunded"}
SELLING = {"paid", "confirmed"}
HOLDING = {"awaiting_payment", *SELLING}


@dataclass(frozen=True)
class Evidence:
    """The answers that clients, provider and receiver got, and the product's own ledger."""

    plan: Plan
    book: Book
    follow_ups: FollowUps = field(default_factory=FollowUps)
    inbox: Inbox = field(default_factory=Inbox)
    ledger: Ledger = field(default_factory=Ledger)
    drift_checks: Sequence[DriftCheck] = ()
    persisted_after: float | None = None  # seconds after the last acceptance; None: not in time
    restarted: Mapping[str, int] = field(default_factory=dict)  # processes that died, how often

    @property
    def rows(self) -> Sequence[Row]:
        """The ledger's orders."""
        return self.ledger.rows

    @cached_property
    def accepted(self) -> list[tuple[PlannedOrder, Answer]]:
        """The accepted orders, with their first answer."""
        return self.book.accepted(self.plan.orders)

    @cached_property
    def rows_by_key(self) -> Mapping[str, list[Row]]:
        """The ledger's orders by request key; more than one under a key is wrong."""
        found = defaultdict(list)
        for row in self.rows:
            found[row.key].append(row)
        return found

    def first_sent(self, order: PlannedOrder) -> float:
        """Return when a client asked for `order` for the first time."""
        return min(answer.sent for answer in self.book.answers[order.key])

    def spans(self) -> Iterator[tuple[PlannedOrder, float, float]]:
        """Yield each accepted order, with the moments between which it certainly had its units:
        from the answer until the ledger released them. An order that was paid late and served
        has them again at the end."""
        for order, answer in self.accepted:
            rows = self.rows_by_key.get(order.key, [])
            until = min((_released_at(row) for row in rows), default=FOR_GOOD)
            yield order, answer.at, until
            if until < FOR_GOOD and any(row.status in SELLING for row in rows):
                yield order, FOR_GOOD, FOR_GOOD

    @cached_property
    def oversold(self) -> Counter[str]:
        """The units of each SKU beyond the allocation, by the answers or by the ledger."""
        promised = peaks(
            Occupancy(sku, units, since, until)
            for order, since, until in self.spans()
            for sku, units in order.lines.items()
        )
        written = units_in(self.rows, HOLDING)
        stock = self.plan.stock
        return +Counter({sku: max(promised[sku], written[sku]) - stock[sku] for sku in stock})

    @cached_property
    def most_bought(self) -> Counter[str]:
        """The most units that each customer certainly had at one moment.

        Without second holds: a late payment is not refused for the limit, since the money is there.
        """
        return peaks(
            Occupancy(order.customer, order.units, since, until)
            for order, since, until in self.spans()
            if since < FOR_GOOD
        )


def units_in(rows: Iterable[Row], statuses: Collection[str]) -> Counter[str]:
    """Return the units of each SKU that orders in one of `statuses` have."""
    units: Counter[str] = Counter()
    for row in rows:
        if row.status in statuses:
            units.update(row.lines)
    return units


def _released_at(row: Row) -> float:
    """Return when an order's units were first released."""
    if row.status == REJECTED:
        return 0.0
    return next((event.at for event in row.events if event.type in RELEASING_EVENTS), FOR_GOOD)
