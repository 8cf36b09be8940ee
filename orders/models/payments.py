"""What payment providers have told us."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.payments.news import NewsType


class PaymentNotice(models.Model):
    """One signed message of a payment provider, kept for good: money came in, failed, went back.

    Its id is the provider's, so that a message which comes twice is worked off once.
    """

    class Type(models.TextChoices):
        SUCCEEDED = NewsType.SUCCEEDED, "Payment succeeded"
        FAILED = NewsType.FAILED, "Payment failed"
        REFUNDED = NewsType.REFUNDED, "Payment refunded"

    class State(models.TextChoices):
        PENDING = "pending", "Waits for the order or its stock"
        APPLIED = "applied", "Applied"
        REPEATED = "repeated", "Known already"
        PAID_BACK = "paid_back", "Paid back"
        # From here on a person has to look.
        REFUSED = "refused", "Refused: wrong amount or currency"
        UNMATCHED = "unmatched", "No such order"
        REFUND_DUE = "refund_due", "To be refunded"

    NEEDS_ATTENTION = (State.REFUSED, State.UNMATCHED, State.REFUND_DUE)

    provider = models.CharField(max_length=16)
    notice_id = models.CharField(max_length=255, help_text="webhook-id, or Stripe's event id")
    type = models.CharField(max_length=16, choices=Type)
    # No foreign key: a payment may be faster than the order's way into PostgreSQL.
    order_id = models.UUIDField(db_index=True)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=255, help_text="The provider's name of the payment.")
    state = models.CharField(max_length=16, choices=State)
    detail = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "notice_id"], name="notice_once"),
        ]
        indexes = [
            models.Index(fields=["reference"], name="notice_reference"),
            models.Index(fields=["id"], condition=Q(state="pending"), name="notice_pending"),
            # What an order has to wait for before it may expire, and what persistence looks for.
            models.Index(
                fields=["order_id"], condition=Q(state="pending"), name="notice_pending_order"
            ),
            models.Index(
                fields=["id"],
                condition=Q(state__in=["refused", "unmatched", "refund_due"]),
                name="notice_needs_attention",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.notice_id}"
