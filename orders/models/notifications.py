"""Endpoints that events go to, and the deliveries to them."""

import secrets
from base64 import b64encode

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from shop.core import clock

from .clients import ApiClient
from .orders import OrderEvent


def new_signing_secret() -> str:
    """Return a fresh secret as Standard Webhooks writes them: whsec_ and 32 random bytes."""
    return "whsec_" + b64encode(secrets.token_bytes(32)).decode()


class EndpointManager(models.Manager["Endpoint"]):
    """Reads each endpoint with its client: its name and its health depend on it."""

    def get_queryset(self) -> models.QuerySet["Endpoint"]:
        """Return endpoints with their clients, whose names are in every text of them."""
        return super().get_queryset().select_related("client")


class Endpoint(models.Model):
    """A place that events are told to: a webhook, or one of the channels to customers.

    A webhook belongs to one client, and is told of that client's orders alone, or to the shop as a
    whole. That never changes: what waits for an endpoint was chosen by whose it is. The rows of
    e-mail and SMS are there from the start, one each; their addresses are the orders'.
    """

    class Channel(models.TextChoices):
        WEBHOOK = "webhook", "Webhook"
        EMAIL = "email", "E-mail"
        SMS = "sms", "SMS"

    channel = models.CharField(max_length=8, choices=Channel, default=Channel.WEBHOOK)
    client = models.ForeignKey(
        ApiClient,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="endpoints",
        help_text="Whose orders it is told of; empty: those of the whole shop.",
    )
    url = models.CharField("URL", max_length=500, blank=True)
    # The URL in its normal form: what makes two webhooks of a client the same. Empty for channels,
    # and for webhooks that were there twice before that was refused.
    target = models.CharField(max_length=500, blank=True, default="", db_default="", editable=False)
    events = ArrayField(
        models.CharField(max_length=32, choices=OrderEvent.Type),
        default=list,
        blank=True,
        help_text="Which events it is told; none chosen: all.",
    )
    active = models.BooleanField(default=True)
    secret = models.CharField(max_length=100, blank=True, editable=False)
    # While both are valid, each message carries a signature by either.
    previous_secret = models.CharField(max_length=100, blank=True, editable=False)
    previous_secret_until = models.DateTimeField(null=True, blank=True, editable=False)
    resume_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="It asked to be left alone until then."
    )
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    disabled_reason = models.CharField(max_length=300, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EndpointManager()

    class Meta:
        ordering = ["id"]
        permissions = [("test_endpoint", "Can send a test event to a webhook")]
        constraints = [
            models.UniqueConstraint(
                fields=["channel"], condition=~Q(channel="webhook"), name="endpoint_one_per_channel"
            ),
            models.CheckConstraint(
                condition=~Q(channel="webhook") | (~Q(url="") & ~Q(secret="")),
                name="endpoint_webhook_is_signed",
            ),
            models.CheckConstraint(
                condition=Q(channel="webhook") | Q(client__isnull=True),
                name="endpoint_channel_is_the_shops",
            ),
            models.UniqueConstraint(
                fields=["target"],
                condition=Q(client__isnull=True) & ~Q(target=""),
                name="endpoint_once_for_the_shop",
            ),
            models.UniqueConstraint(
                fields=["client", "target"],
                condition=~Q(target=""),
                name="endpoint_once_per_client",
            ),
        ]

    def __str__(self) -> str:
        name = self.url or self.get_channel_display()
        return f"{name} ({self.client.name})" if self.client else name

    @property
    def owner(self) -> str:
        """The client whose events it gets, by name, or the whole shop."""
        return self.client.name if self.client else "the whole shop"

    @property
    def waits_for_its_client(self) -> bool:
        """Whether it gets nothing for now, as its client is switched off."""
        return self.client is not None and not self.client.active

    @property
    def health(self) -> str:
        """Its state, in one word: disabled by us, as calls had failed; off by a person."""
        if not self.active:
            return "disabled" if self.disabled_reason else "off"
        if self.waits_for_its_client:
            return "waits"
        if self.failing_since:
            return "failing"
        return "on" if self.takes_deliveries else "rests"

    @property
    def takes_deliveries(self) -> bool:
        """Whether it may be called now: it is on, does not rest, and its client is active."""
        rests = self.resume_at is not None and self.resume_at > clock.now()
        return self.active and not rests and not self.waits_for_its_client


class Delivery(models.Model):
    """One event on its way to one endpoint."""

    class State(models.TextChoices):
        PENDING = "pending", "Pending"
        DELIVERED = "delivered", "Delivered"
        DEAD = "dead", "Given up"

    # Written with the events in one statement, and checked as orders are: see models/orders.py.
    event = models.ForeignKey(
        OrderEvent,
        on_delete=models.PROTECT,
        related_name="deliveries",
        db_index=False,
        db_constraint=False,
    )
    endpoint = models.ForeignKey(
        Endpoint, on_delete=models.PROTECT, db_index=False, db_constraint=False
    )
    # The event's, once more: an order's events reach an endpoint in their sequence.
    order_id = models.UUIDField()
    sequence = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State, db_default=State.PENDING)
    attempts = models.PositiveSmallIntegerField(db_default=0)
    due_at = models.DateTimeField(
        db_default=Now(), help_text="Not before; under way, when somebody else may take over."
    )
    last_attempt_at = models.DateTimeField(null=True, blank=True)
    last_status = models.PositiveSmallIntegerField(null=True, blank=True)
    last_error = models.CharField(max_length=500, db_default="")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = "deliveries"
        permissions = [("resend_delivery", "Can send deliveries again")]
        indexes = [
            models.Index(
                fields=["endpoint", "due_at"],
                condition=Q(state="pending"),
                name="delivery_due",
            ),
            models.Index(fields=["order_id", "endpoint", "sequence"], name="delivery_of_order"),
            models.Index(fields=["id"], condition=Q(state="dead"), name="delivery_dead"),
            # The log of one endpoint, newest first, also of one that is told little.
            models.Index(fields=["endpoint", "-id"], name="delivery_log"),
            BrinIndex(fields=["created_at"], name="delivery_created"),
        ]

    def __str__(self) -> str:
        return f"{self.event_id} to {self.endpoint_id}"
