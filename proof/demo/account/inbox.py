"""Every webhook message that the demo's receiver got: its account of the events. Pure."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class EventMessage(NamedTuple):
    """A webhook message about an event of an order."""

    message_id: str  # `webhook-id`: the same however often it is sent
    order_id: str
    sequence: int
    type: str


@dataclass
class Inbox:
    """All messages in the order of their arrival, and counts for the progress display."""

    of_order: dict[str, list[EventMessage]] = field(default_factory=dict)  # by the order's id
    events: Counter[str] = field(default_factory=Counter)  # different ones, by type
    put_off: int = 0  # answered 500, so that they come again
    duplicates: int = 0
    refused: Counter[str] = field(default_factory=Counter)  # by what is wrong with them

    def note(self, message: EventMessage) -> None:
        """Note an accepted message."""
        before = self.of_order.setdefault(message.order_id, [])
        if any(each.message_id == message.message_id for each in before):
            self.duplicates += 1
        else:
            self.events[message.type] += 1
        before.append(message)

    def first_arrivals(self, order_id: str) -> list[EventMessage]:
        """Return an order's messages as they came, each of them once."""
        return list(dict.fromkeys(self.of_order.get(order_id, ())))

    def has_exactly(self, order_id: str, events: Sequence[tuple[int, str]]) -> bool:
        """Return whether these events of an order, (sequence, type), arrived in turn and no other.

        A message may arrive more than once, but no event under two ids.
        """
        arrived = self.first_arrivals(order_id)
        return [(message.sequence, message.type) for message in arrived] == list(events)
