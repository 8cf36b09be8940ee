"""Products, the sales that offer them, and the ledger of every unit's way."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from . import domain
from .validators import CLOSES_BEFORE_IT_OPENS, validate_currency, validate_moment, validate_name


class Product(models.Model):
    """Something that can be sold, known to the outside by its SKU."""

    sku = models.CharField(
        "SKU",
        max_length=64,
        unique=True,
        validators=[RegexValidator(rf"\A{domain.SKU_CODE.pattern}\Z")],
    )
    name = models.CharField(max_length=200, validators=[validate_name])
    price = models.DecimalField(max_digits=19, decimal_places=4, validators=[MinValueValidator(0)])
    currency = models.CharField(
        max_length=3, default="EUR", validators=[validate_currency], help_text="ISO 4217"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["sku"]
        constraints = [
            models.CheckConstraint(condition=Q(price__gte=0), name="product_price_not_negative"),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="product_currency_iso_4217"
            ),
        ]

    def __str__(self) -> str:
        return self.sku


class Sale(models.Model):
    """A window of time in which allocated stock is sold under one set of rules."""

    class Payment(models.TextChoices):
        REQUIRED = "required", "An order is held until it is paid"
        NONE = "none", "An order is confirmed at once"

    slug = models.SlugField(max_length=64, unique=True)
    name = models.CharField(max_length=200, validators=[validate_name])
    currency = models.CharField(
        max_length=3, default="EUR", validators=[validate_currency], help_text="ISO 4217"
    )
    opens_at = models.DateTimeField(validators=[validate_moment])
    closes_at = models.DateTimeField(null=True, blank=True, validators=[validate_moment])
    paused = models.BooleanField(default=False)
    closed_at = models.DateTimeField(null=True, blank=True, editable=False)
    limit = models.PositiveIntegerField(
        default=0,
        validators=[MaxValueValidator(domain.MAX_QUANTITY)],
        help_text="Units one customer may buy over the whole sale; 0: no limit.",
    )
    hold_seconds = models.PositiveIntegerField(
        default=900,
        validators=[MinValueValidator(1), MaxValueValidator(domain.MAX_HOLD_SECONDS)],
        help_text="How long an unpaid order keeps its stock.",
    )
    payment = models.CharField(max_length=8, choices=Payment, default=Payment.REQUIRED)
    epoch = models.PositiveIntegerField(
        default=1,
        editable=False,
        help_text="Raised by each rebuild of the Redis side; fences off what is older.",
    )
    version = models.PositiveIntegerField(
        default=1, editable=False, help_text="Raised by each change of the rules."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("open_sale", "Can open a sale"),
            ("pause_sale", "Can pause a sale"),
            ("extend_sale", "Can change when a sale opens and closes"),
            ("close_sale", "Can close a sale for good"),
            ("restock_sale", "Can add stock to a sale"),
            ("limit_sale", "Can change how much one customer may buy"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(closes_at__isnull=True) | Q(closes_at__gt=F("opens_at")),
                name="sale_closes_after_it_opens",
            ),
            models.CheckConstraint(
                condition=Q(hold_seconds__gt=0), name="sale_hold_seconds_positive"
            ),
            # From any writer: one moment that Python cannot hold would stop every reader.
            models.CheckConstraint(
                condition=Q(opens_at__range=(domain.EARLIEST, domain.LATEST)),
                name="sale_opens_in_time",
            ),
            models.CheckConstraint(
                condition=Q(closes_at__isnull=True)
                | Q(closes_at__range=(domain.EARLIEST, domain.LATEST)),
                name="sale_closes_in_time",
            ),
            models.CheckConstraint(
                condition=Q(closed_at__isnull=True)
                | Q(closed_at__range=(domain.EARLIEST, domain.LATEST)),
                name="sale_closed_in_time",
            ),
            models.CheckConstraint(
                condition=Q(hold_seconds__lte=domain.MAX_HOLD_SECONDS),
                name="sale_hold_seconds_bounded",
            ),
            models.CheckConstraint(
                condition=Q(limit__lte=domain.MAX_QUANTITY), name="sale_limit_bounded"
            ),
            models.CheckConstraint(
                condition=Q(currency__regex=r"^[A-Z]{3}$"), name="sale_currency_iso_4217"
            ),
        ]

    def __str__(self) -> str:
        return self.slug

    def clean(self) -> None:
        """Say in plain words what the constraint `sale_closes_after_it_opens` is about."""
        if self.opens_at and self.closes_at and self.closes_at <= self.opens_at:
            raise ValidationError({"closes_at": CLOSES_BEFORE_IT_OPENS})


class Allocation(models.Model):
    """The stock row: so many units of one product, set apart for one sale."""

    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, related_name="allocations")
    product = models.ForeignKey(Product, on_delete=models.PROTECT, related_name="allocations")
    unit_price = models.DecimalField(max_digits=19, decimal_places=4)
    allocated = models.BigIntegerField()
    held = models.BigIntegerField(default=0, editable=False)
    sold = models.BigIntegerField(default=0, editable=False)
    released = models.BigIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Units that orders gave back: a running total, of which differences count.",
    )

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["sale", "product"], name="allocation_once_per_sale"),
            models.CheckConstraint(
                condition=Q(held__gte=0, sold__gte=0, allocated__gte=F("held") + F("sold")),
                name="allocation_never_oversold",
            ),
            models.CheckConstraint(
                condition=Q(unit_price__gte=0), name="allocation_price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(allocated__lte=domain.MAX_ALLOCATED), name="allocation_bounded"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.product_id} in {self.sale_id}"


class StockMovement(models.Model):
    """One line of the append-only ledger: how many units went into which state, and why.

    The sum of an allocation's movements is its stock row, column by column. A trigger refuses
    to change or delete a line.
    """

    class Kind(models.TextChoices):
        ALLOCATE = "allocate", "Allocated"
        HOLD = "hold", "Held for an order"
        SELL = "sell", "Sold"
        RELEASE = "release", "Released"
        CORRECT = "correct", "Corrected"

    # The writer of a movement has moved, and so locked, its stock row; a trigger refuses to delete
    # a row with movements. A foreign key would check each movement again (docs/adr/0015).
    allocation = models.ForeignKey(
        Allocation,
        on_delete=models.PROTECT,
        related_name="movements",
        db_index=False,
        db_constraint=False,
    )
    # The order lives in an app above this one, so the ledger knows its id and no more.
    order_id = models.UUIDField(null=True, blank=True)
    kind = models.CharField(max_length=8, choices=Kind)
    allocated = models.BigIntegerField(default=0, db_default=0)
    held = models.BigIntegerField(default=0, db_default=0)
    sold = models.BigIntegerField(default=0, db_default=0)
    counter = models.BigIntegerField(
        null=True, blank=True, help_text="Units that a repair added to Redis' counter."
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["order_id"], name="movement_order"),
            models.Index(fields=["allocation", "-id"], name="movement_allocation"),
        ]
        constraints = [
            models.CheckConstraint(
                condition=~Q(allocated=0, held=0, sold=0) | Q(counter__isnull=False),
                name="movement_moves_something",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.allocation_id}"
