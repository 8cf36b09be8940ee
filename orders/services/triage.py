"""What a person does with a dead letter: try again, or give up and release its stock."""

from inventory import counters
from inventory.domain import Release
from orders.models import DeadLetter, Order
from shop.core import clock

from . import dead_letters
from .persist import persist_entries


def replay(letter: DeadLetter) -> bool:
    """Try once more to persist a dead letter. Returns whether it is an order now."""
    persist_entries(letter.sale_id, [dead_letters.entry_of(letter)])
    if letter.order_id is None or not Order.objects.filter(pk=letter.order_id).exists():
        return False
    _resolve(letter, DeadLetter.Resolution.PERSISTED)
    return True


def reject(letter: DeadLetter) -> None:
    """Give up on a dead letter: release what it holds in Redis; its order reads as rejected.

    Raises CountersLost, CountersUnavailable; nothing is resolved then, and doing it again is safe.
    """
    record = dead_letters.record_of(letter)
    if letter.order_id is not None and record is not None:
        counters.release(
            letter.sale_id,
            letter.sale.slug,
            epoch=letter.sale.epoch,
            releases=[
                Release(
                    order_id=letter.order_id.bytes,
                    customer=record.customer,
                    lines=[(line.allocation_id, line.quantity) for line in record.lines],
                )
            ],
        )
    _resolve(letter, DeadLetter.Resolution.REJECTED)


def _resolve(letter: DeadLetter, resolution: DeadLetter.Resolution) -> None:
    DeadLetter.objects.filter(pk=letter.pk, resolution="").update(
        resolution=resolution, resolved_at=clock.now()
    )
