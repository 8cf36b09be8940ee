"""Writes to sales and stock: each in one transaction, with its movements in the ledger."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import redis
from django.db import IntegrityError, transaction
from django.db.models import F

from . import counters, errors
from .domain import SkuSpec
from .models import Allocation, Product, Sale, StockMovement
from .selectors import rules_of


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


def take_stock(units: Mapping[int, int], *, column: str) -> bool:
    """Move units (by allocation) from free to `column`, "held" or "sold", if all of them are there.

    The second insurance against overselling: each row moves under a condition, in primary-key
    order so that two batches cannot lock each other out. Returns False where a row refused; the
    caller then rolls back.
    """
    for allocation_id, quantity in sorted(units.items()):
        moved = Allocation.objects.filter(
            pk=allocation_id, allocated__gte=F("held") + F("sold") + quantity
        ).update(**{column: F(column) + quantity})
        if moved != 1:
            return False
    return True


def lock_free_units(allocation_ids: Sequence[int]) -> dict[int, int]:
    """Lock these stock rows until the transaction ends. Returns the units free in each."""
    rows = (
        Allocation.objects.select_for_update()
        .filter(pk__in=allocation_ids)
        .order_by("pk")
        .values_list("pk", "allocated", "held", "sold")
    )
    return {pk: allocated - held - sold for pk, allocated, held, sold in rows}


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
