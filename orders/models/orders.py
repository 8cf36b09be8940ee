"""Orders and what belongs to them: their lines, and what happened to them.

Their references are checked once per batch instead of by a foreign key's trigger for each row (see
docs/adr/0015): an insert locks the rows it names, and their deletion is refused.
"""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from inventory.models import Allocation, Sale
from orders import domain

from .clients import ApiClient
from .json_text import JsonText


class Order(models.Model):
    """An order in the ledger. Its status changes only through `orders/services/transitions.py`."""

    class Status(models.TextChoices):
        AWAITING_PAYMENT = domain.Status.AWAITING_PAYMENT, "Awaiting payment"
        CONFIRMED = domain.Status.CONFIRMED, "Confirmed"
        PAID = domain.Status.PAID, "Paid"
        CANCELLED = domain.Status.CANCELLED, "Cancelled"
        EXPIRED = domain.Status.EXPIRED, "Expired"
        REJECTED = domain.Status.REJECTED, "Rejected"
        REFUNDED = domain.Status.REFUNDED, "Refunded"

    id = models.UUIDField(primary_key=True, editable=False)
    client = models.ForeignKey(
        ApiClient, on_delete=models.PROTECT, db_index=False, db_constraint=False
    )
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, db_index=False, db_constraint=False)
    request_key = models.CharField("request id", max_length=255, help_text="Idempotency-Key")
    request_fingerprint = models.BinaryField(max_length=16)
    http_request_id = models.CharField(max_length=128, blank=True, help_text="X-Request-ID")
    # Next to none has one, and NULL takes no room in the row.
    traceparent = models.CharField(  # noqa: DJ001
        max_length=55, null=True, blank=True, editable=False, help_text="W3C Trace Context"
    )
    customer = models.CharField(max_length=128)
    email = models.CharField(max_length=254, blank=True)
    status = models.CharField(max_length=16, choices=Status)
    rejection = models.CharField(max_length=32, blank=True)
    currency = models.CharField(max_length=3)
    total = models.DecimalField(max_digits=19, decimal_places=4)
    metadata = JsonText(default="{}", blank=True)
    accepted_at = models.DateTimeField()
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    persisted_at = models.DateTimeField(db_default=Now())
    epoch = models.PositiveIntegerField(help_text="The sale's epoch when Redis accepted it.")
    position = models.BigIntegerField(help_text="Where it stood in the outbox.")
    release_place = models.BigIntegerField(
        null=True,
        blank=True,
        help_text="Which release in Redis gave its stock back; empty: none did yet.",
    )
    let_go_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="When it gave up its units in the ledger; from then on they belong on sale.",
    )
    # A payment that comes after the end of the hold takes the stock a second time. Between these
    # two places in Redis' sequence of releases the order held nothing.
    gap_start = models.BigIntegerField(null=True, blank=True, editable=False)
    gap_end = models.BigIntegerField(null=True, blank=True, editable=False)
    refund_due = models.DecimalField(
        max_digits=19,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="Money that came in and that nothing is given for: to be paid back.",
    )

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("cancel_order", "Can cancel an order that waits for its payment"),
            ("refund_order", "Can note that a payment was paid back"),
            ("export_order", "Can export orders"),
        ]
        constraints = [
            # A rejected order may repeat a request id: being a repetition is why it was rejected.
            models.UniqueConstraint(
                fields=["client", "sale", "request_key"],
                condition=~Q(status="rejected"),
                name="order_once_per_sale_and_request",
            ),
            models.CheckConstraint(condition=Q(total__gte=0), name="order_total_not_negative"),
            models.CheckConstraint(
                condition=Q(
                    status__in=[
                        "awaiting_payment",
                        "confirmed",
                        "paid",
                        "cancelled",
                        "expired",
                        "rejected",
                        "refunded",
                    ]
                ),
                name="order_status_known",
            ),
            models.CheckConstraint(
                condition=~Q(status="awaiting_payment") | Q(hold_expires_at__isnull=False),
                name="order_awaiting_payment_has_a_deadline",
            ),
        ]
        indexes = [
            models.Index(fields=["sale", "position"], name="order_sale_position"),
            models.Index(fields=["customer"], name="order_customer"),
            models.Index(
                fields=["hold_expires_at"],
                condition=Q(status="awaiting_payment"),
                name="order_hold_expiry",
            ),
            # Orders whose units the ledger has released and Redis, as far as known, has not.
            models.Index(
                fields=["sale", "let_go_at"],
                condition=Q(
                    status__in=["cancelled", "expired", "rejected", "refunded"],
                    release_place__isnull=True,
                ),
                name="order_unreleased",
            ),
            # Next to nothing is rejected, so finding it must not read everything else.
            models.Index(fields=["id"], condition=Q(status="rejected"), name="order_rejected"),
            models.Index(
                fields=["sale", "gap_end"],
                condition=Q(gap_end__isnull=False),
                name="order_gap",
            ),
            models.Index(
                fields=["sale", "gap_start"],
                condition=Q(gap_start__isnull=False),
                name="order_gap_start",
            ),
            # Of what is to be released, next to nothing was rejected.
            models.Index(
                fields=["sale"],
                condition=Q(status="rejected", release_place__isnull=True),
                name="order_rejected_to_release",
            ),
            models.Index(
                fields=["id"], condition=Q(refund_due__isnull=False), name="order_refund_due"
            ),
            models.Index(
                fields=["sale", "release_place"],
                condition=Q(release_place__isnull=False),
                name="order_release_place",
            ),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class OrderLine(models.Model):
    """So many units of one allocation in an order, at the price of that moment."""

    order = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        related_name="lines",
        db_index=False,
        db_constraint=False,
    )
    allocation = models.ForeignKey(
        Allocation, on_delete=models.PROTECT, db_index=False, db_constraint=False
    )
    quantity = models.PositiveIntegerField()
    unit_price = models.DecimalField(max_digits=19, decimal_places=4)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["order", "allocation"], name="line_once_per_order_and_sku"
            ),
            models.CheckConstraint(condition=Q(quantity__gte=1), name="line_quantity_positive"),
            models.CheckConstraint(condition=Q(unit_price__gte=0), name="line_price_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.quantity} × {self.allocation_id}"


class OrderEvent(models.Model):
    """Something that happened to an order; the order's events are numbered from 1 up."""

    class Type(models.TextChoices):
        PLACED = domain.EventType.PLACED
        PAID = domain.EventType.PAID
        CANCELLED = domain.EventType.CANCELLED
        EXPIRED = domain.EventType.EXPIRED
        REJECTED = domain.EventType.REJECTED
        REFUNDED = domain.EventType.REFUNDED

    order = models.ForeignKey(
        Order,
        on_delete=models.PROTECT,
        related_name="events",
        db_index=False,
        db_constraint=False,
    )
    sequence = models.PositiveIntegerField()
    type = models.CharField(max_length=32, choices=Type)
    refund_due = models.DecimalField(
        max_digits=19,
        decimal_places=4,
        null=True,
        blank=True,
        help_text="What was to be paid back when this happened.",
    )
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["order", "sequence"], name="event_once_per_sequence"),
            models.CheckConstraint(condition=Q(sequence__gte=1), name="event_sequence_from_1"),
        ]

    def __str__(self) -> str:
        return f"{self.type} #{self.sequence}"
