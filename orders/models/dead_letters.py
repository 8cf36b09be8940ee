"""Outbox entries that could not become orders."""

from django.db import models
from django.db.models import Q

from inventory.models import Sale


class DeadLetter(models.Model):
    """An outbox entry that could not become an order, kept whole until a person deals with it.

    While it is unresolved, its units stay held in Redis: the customer was told that it is accepted.
    """

    class Resolution(models.TextChoices):
        PERSISTED = "persisted", "Persisted after all"
        REJECTED = "rejected", "Rejected, stock released"

    sale = models.ForeignKey(Sale, on_delete=models.PROTECT)
    order_id = models.UUIDField(null=True, blank=True, db_index=True)
    client_id = models.BigIntegerField(null=True, blank=True)
    entry_id = models.CharField(max_length=48)
    epoch = models.PositiveIntegerField()
    accepted_at_ms = models.BigIntegerField()
    held_until_ms = models.BigIntegerField()
    payload = models.BinaryField()
    units = models.JSONField(default=dict, help_text="Units per allocation, as far as readable.")
    reason = models.CharField(max_length=64)
    detail = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    resolution = models.CharField(max_length=16, choices=Resolution, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    release_place = models.BigIntegerField(
        null=True,
        blank=True,
        editable=False,
        help_text="Which release in Redis gave its stock back, once it is rejected.",
    )

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("replay_deadletter", "Can replay a dead letter"),
            ("reject_deadletter", "Can give up a dead letter and release its stock"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["sale", "entry_id"], name="dead_letter_once_per_entry"),
        ]
        indexes = [
            models.Index(fields=["sale"], condition=Q(resolution=""), name="dead_letter_open"),
            models.Index(
                fields=["sale"],
                condition=Q(resolution="rejected", release_place__isnull=True),
                name="dead_letter_to_release",
            ),
            models.Index(
                fields=["sale", "release_place"],
                condition=Q(release_place__isnull=False),
                name="dead_letter_release_place",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reason} ({self.entry_id})"
