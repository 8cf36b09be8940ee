"""Messages of payment providers: payment notices, and those left to a person."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from orders.domain import PaymentMessageType


class PaymentNotice(models.Model):
    """One signed message of a payment provider, kept for good: money came in, failed, went back.

    Its id is the provider's, so that a message which comes twice is worked off once. A payment and
    a refund each count once by the provider's name of them, whatever messages bring them.
    """

    class Type(models.TextChoices):
        SUCCEEDED = PaymentMessageType.SUCCEEDED, "Payment succeeded"
        FAILED = PaymentMessageType.FAILED, "Payment failed"
        REFUNDED = PaymentMessageType.REFUNDED, "Payment refunded"

    class State(models.TextChoices):
        PENDING = "pending", "Received, being applied"
        APPLIED = "applied", "Applied"
        REPEATED = "repeated", "Known already"
        PAID_BACK = "paid_back", "Paid back"
        # From here on a person has to look.
        AHEAD = "ahead", "Refund of a payment that has not come"
        PARTLY = "partly", "Paid back in part"
        REFUSED = "refused", "Refused"
        UNMATCHED = "unmatched", "No such order"
        REFUND_DUE = "refund_due", "To be refunded"

    NEEDS_ATTENTION = (
        State.AHEAD,
        State.PARTLY,
        State.REFUSED,
        State.UNMATCHED,
        State.REFUND_DUE,
    )
    # In these a payment is money that came in, and a refund money that went back.
    COUNTED = (State.APPLIED, State.PAID_BACK, State.REFUND_DUE, State.PARTLY)

    provider = models.CharField(max_length=16)
    notice_id = models.CharField(max_length=255, help_text="webhook-id, or Stripe's event id")
    digest = models.BinaryField(
        max_length=16,
        null=True,
        editable=False,
        help_text="Stands for what it says: under a known id something else is another message.",
    )
    type = models.CharField(max_length=16, choices=Type)
    # No foreign key: a payment may be faster than the order's way into PostgreSQL.
    order_id = models.UUIDField(db_index=True)
    amount = models.DecimalField(max_digits=19, decimal_places=4)
    currency = models.CharField(max_length=3)
    reference = models.CharField(max_length=255, help_text="The provider's name of the payment.")
    state = models.CharField(max_length=16, choices=State)
    detail = models.CharField(max_length=300, blank=True)
    # By our clock, when the message had come whole: a payment received before the hold's end is in
    # time, whenever it is applied.
    received_at = models.DateTimeField(db_default=Now())
    settled_at = models.DateTimeField(null=True, blank=True)
    handled_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a person was through with it."
    )

    class Meta:
        ordering = ["-id"]
        permissions = [("handle_paymentnotice", "Can note that a payment notice is dealt with")]
        constraints = [
            models.UniqueConstraint(fields=["provider", "notice_id"], name="notice_once"),
            # Money counts once, whatever it is called. Older rows have no digest, and may repeat.
            models.UniqueConstraint(
                fields=["provider", "type", "reference"],
                condition=Q(
                    digest__isnull=False,
                    type__in=["succeeded", "refunded"],
                    state__in=["applied", "paid_back", "refund_due", "partly"],
                ),
                name="notice_money_counts_once",
            ),
        ]
        indexes = [
            models.Index(fields=["reference"], name="notice_reference"),
            models.Index(
                fields=["received_at"], condition=Q(state="pending"), name="notice_pending"
            ),
            # For expiry, which spares an order with a pending payment, and for persistence.
            models.Index(
                fields=["order_id"], condition=Q(state="pending"), name="notice_pending_order"
            ),
            models.Index(
                fields=["id"],
                condition=Q(
                    state__in=["ahead", "partly", "refused", "unmatched", "refund_due"],
                    handled_at__isnull=True,
                ),
                name="notice_needs_attention",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.notice_id}"


class ProviderMessage(models.Model):
    """A signed message that no program acts on and that a person has to read, kept as it came.

    A dispute or a chargeback, or a message under an id that stands for something else already.
    """

    class Kind(models.TextChoices):
        MONEY = "money", "Concerns money"
        CHANGED = "changed", "Its id came before, with another content"

    provider = models.CharField(max_length=16)
    notice_id = models.CharField(max_length=255, help_text="webhook-id, or Stripe's event id")
    digest = models.BinaryField(max_length=16, editable=False)
    kind = models.CharField(max_length=16, choices=Kind)
    type = models.CharField(max_length=64, help_text="As the provider names it.")
    order_id = models.UUIDField(null=True, blank=True, db_index=True)
    body = models.TextField()
    received_at = models.DateTimeField(db_default=Now())
    handled_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When a person was through with it."
    )

    class Meta:
        ordering = ["-id"]
        permissions = [("handle_providermessage", "Can note that a message is dealt with")]
        constraints = [
            models.UniqueConstraint(
                fields=["provider", "notice_id", "digest"], name="provider_message_once"
            ),
        ]
        indexes = [
            models.Index(
                fields=["id"], condition=Q(handled_at__isnull=True), name="provider_message_open"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.notice_id}"
