"""Writes to sales and stock: each in one transaction, with its movements in the ledger."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import redis
from django.db import IntegrityError, transaction
from django.db.models import F

from shop.core import sql

from . import counters, errors
from .domain import SkuSpec
from .models import Allocation, Product, Sale, StockMovement
from .selectors import rules_of

SQL = Path(__file__).parent / "sql"


class Move(NamedTuple):
    """What one line of an order adds to the columns of its stock row, in units; both may be < 0."""

    order_id: str
    allocation_id: int
    held: int
    sold: int

    @property
    def kind(self) -> str:
        """How the ledger calls it."""
        if self.held > 0:
            return StockMovement.Kind.HOLD.value
        return (StockMovement.Kind.SELL if self.sold > 0 else StockMovement.Kind.RELEASE).value


def create_sale(
    *,
    slug: str,
    name: str,
    currency: str,
    skus: Sequence[SkuSpec],
    opens_at: datetime,
    closes_at: datetime | None,
    limit: int,
    hold_seconds: int,
    payment: str,
) -> Sale:
    """Create a sale with its stock and load its counters, so that it sells from `opens_at` on.

    Products are created where missing; without a price a new one is free and a known one keeps its
    own. Raises SaleExists, ProductMismatch, django's ValidationError, and CountersUnavailable when
    the sale was created but Redis could not be loaded (`rebuild_stock` mends that).
    """
    with transaction.atomic():
        sale = Sale(
            slug=slug,
            name=name,
            currency=currency,
            opens_at=opens_at,
            closes_at=closes_at,
            limit=limit,
            hold_seconds=hold_seconds,
            payment=payment,
        )
        _save_new(sale)
        allocations = [
            Allocation(
                sale=sale,
                product=product,
                unit_price=product.price if spec.price is None else spec.price,
                allocated=spec.quantity,
            )
            for spec in skus
            for product in [_product_for(spec, currency)]
        ]
        Allocation.objects.bulk_create(allocations)
        StockMovement.objects.bulk_create(
            StockMovement(
                allocation=allocation,
                kind=StockMovement.Kind.ALLOCATE,
                allocated=allocation.allocated,
            )
            for allocation in allocations
        )
    try:
        counters.load(
            sale.pk,
            epoch=sale.epoch,
            version=sale.version,
            rules=rules_of(sale),
            stock=[(allocation.pk, allocation.allocated, 0) for allocation in allocations],
        )
    except redis.RedisError as error:
        raise errors.CountersUnavailable(
            f"The sale is created, but its counters could not be loaded into Redis ({error}). "
            f"When Redis is back: manage.py rebuild_stock {slug}"
        ) from error
    return sale


def close_sale(sale: Sale, *, now: datetime) -> bool:
    """Take no more orders; those that hold stock live on. Returns False if it was closed before.

    Raises CountersLost, CountersUnavailable when only PostgreSQL knows of it so far; closing again
    brings it to Redis.
    """
    closed = Sale.objects.filter(pk=sale.pk, closed_at__isnull=True).update(
        closed_at=now, version=F("version") + 1
    )
    sale.refresh_from_db()
    publish_rules(sale)
    return closed == 1


def publish_rules(sale: Sale) -> None:
    """Bring a sale's rules to its counters. Raises CountersLost, CountersUnavailable."""
    try:
        known = counters.publish(
            sale.pk, epoch=sale.epoch, version=sale.version, rules=rules_of(sale)
        )
    except redis.RedisError as error:
        raise errors.CountersUnavailable(f"Redis does not answer: {error}") from error
    if not known:
        raise errors.CountersLost(sale.slug)


def move_stock(moves: Sequence[Move]) -> None:
    """Move units of orders between free, held and sold, with a line in the ledger for each move.

    The second insurance against overselling: each stock row moves under a condition, in primary-key
    order so that two transactions cannot lock each other out. Raises StockRefused where a row does
    not have the units; the caller then rolls back.
    """
    totals: dict[int, tuple[int, int]] = {}
    for move in moves:
        held, sold = totals.get(move.allocation_id, (0, 0))
        totals[move.allocation_id] = held + move.held, sold + move.sold
    for allocation_id, (held, sold) in sorted(totals.items()):
        _move_row(allocation_id, held=held, sold=sold)
    rows = [(move.order_id, move.allocation_id, move.kind, move.held, move.sold) for move in moves]
    names = ["order_id", "allocation_id", "kind", "held", "sold"]
    sql.run(SQL / "insert_movements.sql", sql.columns(names, rows))


def correct_stock(allocation_id: int, *, held: int = 0, sold: int = 0, counter: int = 0) -> None:
    """Write a repair into the ledger, and move the stock row by it; all in units, relative.

    `counter` is what is added to Redis' counter, which the caller does. Raises StockRefused where
    the row would then be oversold.
    """
    with transaction.atomic():
        _move_row(allocation_id, held=held, sold=sold)
        StockMovement.objects.create(
            allocation_id=allocation_id,
            kind=StockMovement.Kind.CORRECT,
            held=held,
            sold=sold,
            counter=counter or None,
        )


def lock_free_units(allocation_ids: Sequence[int]) -> dict[int, int]:
    """Lock these stock rows until the transaction ends. Returns the units free in each."""
    rows = (
        Allocation.objects.select_for_update()
        .filter(pk__in=allocation_ids)
        .order_by("pk")
        .values_list("pk", "allocated", "held", "sold")
    )
    return {pk: allocated - held - sold for pk, allocated, held, sold in rows}


def _move_row(allocation_id: int, *, held: int, sold: int) -> None:
    moved = Allocation.objects.filter(
        pk=allocation_id,
        held__gte=-held,
        sold__gte=-sold,
        allocated__gte=F("held") + F("sold") + (held + sold),
    ).update(held=F("held") + held, sold=F("sold") + sold)
    if moved != 1:
        raise errors.StockRefused(allocation_id)


def _save_new(sale: Sale) -> None:
    if Sale.objects.filter(slug=sale.slug).exists():
        raise errors.SaleExists(sale.slug)
    sale.full_clean()
    try:
        with transaction.atomic():
            sale.save(force_insert=True)
    except IntegrityError as error:  # someone created it in the meantime
        raise errors.SaleExists(sale.slug) from error


def _product_for(spec: SkuSpec, currency: str) -> Product:
    product, _ = Product.objects.get_or_create(
        sku=spec.code,
        defaults={"name": spec.code, "price": spec.price or Decimal(0), "currency": currency},
    )
    if product.currency != currency:
        raise errors.ProductMismatch(spec.code, product.currency, currency)
    return product
