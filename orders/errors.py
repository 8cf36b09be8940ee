"""The errors of orders; each carries the data that its reader needs."""

from uuid import UUID


class OrderError(Exception):
    """The base of this app's errors."""


class Undecided(OrderError):
    """It is not known whether the order was accepted, or it was not decided; the text says why."""


class ReferenceCacheUnavailable(OrderError):
    """PostgreSQL is away and no client or sale was ever read from it."""


class Unpersistable(OrderError):
    """An outbox entry that cannot become an order, on any try."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class LetterResolved(OrderError):
    """A dead letter that has been dealt with already."""

    def __init__(self, pk: int, resolution: str) -> None:
        super().__init__(f"Dead letter {pk} was resolved before: {resolution}.")
        self.resolution = resolution


class ReconciliationImpossible(OrderError):
    """The two sides cannot be compared now; the text says why."""


class ClientExists(OrderError):
    """A new API client asks for a name that is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is a client {name!r} already.")
        self.name = name


class ClientUnknown(OrderError):
    """No API client has this name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"There is no client {name!r}.")
        self.name = name


class EndpointExists(OrderError):
    """A webhook that is there already; the text says which one, and how it stands."""


class UnusableKey(OrderError):
    """An API key that a client cannot have; the text says why."""


class OrderUnknown(OrderError):
    """There is no such order, or none that the caller may know of."""

    def __init__(self, order_id: UUID) -> None:
        super().__init__(f"There is no order {order_id}.")
        self.order_id = order_id


class OrderLost(OrderError):
    """An order that was accepted by a Redis whose data is lost, before it reached the ledger."""

    def __init__(self, order_id: UUID) -> None:
        super().__init__(
            f"Order {order_id} was accepted and then lost with the server that had it. Place it "
            "again; the same key may be used."
        )
        self.order_id = order_id


class NotCancellable(OrderError):
    """The order's status does not allow it to be cancelled."""

    def __init__(self, status: str) -> None:
        super().__init__(f"The order is {status}.")
        self.status = status


class PaymentMismatch(OrderError):
    """A payment of another amount or currency than the order's; a person has to look at it."""


class MessageChanged(OrderError):
    """A message under an id that came before with another content; a person has to look at it."""

    def __init__(self, notice_id: str) -> None:
        super().__init__(f"Message {notice_id[:64]} came before, and said something else.")
        self.notice_id = notice_id
