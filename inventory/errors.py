"""The errors of sales and stock; each carries the data that its reader needs."""


class InventoryError(Exception):
    """The base of this app's errors; its text is fit for an operator."""


class InvalidSkuSpec(InventoryError):
    """A `--sku` argument that is not CODE:QTY[:PRICE], and why."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text if len(text) <= 80 else text[:80] + '…'!r}: {reason}")
        self.text = text
        self.reason = reason


class SaleExists(InventoryError):
    """A new sale asks for a slug that is taken."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is a sale {slug!r} already.")
        self.slug = slug


class SaleUnknown(InventoryError):
    """No sale has this slug."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"There is no sale {slug!r}.")
        self.slug = slug


class ProductMismatch(InventoryError):
    """A sale sells in one currency; a product keeps the one it was created with."""

    def __init__(self, sku: str, has: str, wanted: str) -> None:
        super().__init__(f"SKU {sku!r} is priced in {has}, the sale in {wanted}.")
        self.sku = sku


class CountersLost(InventoryError):
    """Redis does not hold this sale's counters (or holds those of an older epoch)."""

    returncode = 2  # of a command: it may have changed what PostgreSQL holds

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Redis does not hold the counters of sale {slug!r}. "
            f"Rebuild them from PostgreSQL: manage.py rebuild_stock {slug}"
        )
        self.slug = slug


class CountersUnavailable(InventoryError):
    """Redis did not answer, or not in time: what it did is unknown."""

    returncode = 2


class ServerNotCompared(CountersUnavailable):
    """The Redis that answered is not the one that the caller has compared with the ledger."""

    def __init__(self, server: bytes) -> None:
        super().__init__("Another Redis has taken over, or this one was started again.")
        self.server = server


class NotDurable(InventoryError):
    """The orders were decided, and the reply is not yet safe on as many copies as it has to be."""

    def __init__(self, copies: object) -> None:
        super().__init__(f"only {copies} of the copies that were asked for have it")


class StockRefused(InventoryError):
    """A stock row does not have the units that were to be moved."""

    def __init__(self, allocation_id: int) -> None:
        super().__init__(f"Allocation {allocation_id} does not have the units to move.")
        self.allocation_id = allocation_id


class RuleRefused(InventoryError):
    """A sale cannot get this rule, or this stock; nothing was changed."""


class SaleChanged(InventoryError):
    """Someone changed the sale since it was read; nothing was changed now."""

    def __init__(self, slug: str) -> None:
        super().__init__(
            f"Sale {slug!r} was changed by someone else in the meantime. Look at it again."
        )
        self.slug = slug


class UnitsNotCounted(InventoryError):
    """A sale without a limit does not count its customers' units, so it cannot get one at once."""

    def __init__(self, slug: str) -> None:
        super().__init__(f"What customers of sale {slug!r} have bought has to be counted first.")
        self.slug = slug
