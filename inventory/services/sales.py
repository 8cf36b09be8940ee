"""Making a sale: its rules, its stock with the first movements, and its counters."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import redis
from django.db import IntegrityError, transaction

from inventory import counters, errors
from inventory.domain import MAX_QUANTITY, MAX_UNIT_PRICE, SkuSpec, is_sku_code
from inventory.models import Allocation, Product, Sale, StockMovement
from inventory.selectors import rules_of


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
        _check_offer(skus)
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


def _check_offer(skus: Sequence[SkuSpec]) -> None:
    """Raises InvalidSkuSpec for what `parse_sku_spec` would not have read."""
    codes = [spec.code for spec in skus]
    for spec in skus:
        if codes.count(spec.code) > 1:
            raise errors.InvalidSkuSpec(spec.code, "is given more than once")
        if not is_sku_code(spec.code):
            raise errors.InvalidSkuSpec(spec.code, "is no SKU")
        if not 1 <= spec.quantity <= MAX_QUANTITY:
            raise errors.InvalidSkuSpec(spec.code, f"has from 1 to {MAX_QUANTITY:,} units")
        if spec.price is not None and not 0 <= spec.price <= MAX_UNIT_PRICE:
            raise errors.InvalidSkuSpec(spec.code, f"costs from 0 to {MAX_UNIT_PRICE:,}")


def _save_new(sale: Sale) -> None:
    sale.clean_fields()  # before the database is asked for a slug that it could not read
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
