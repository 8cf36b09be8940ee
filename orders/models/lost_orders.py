"""Orders that were accepted, and that no store has any more."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from inventory.models import Sale

from .clients import ApiClient


class LostOrder(models.Model):
    """An order that a process remembers to have accepted when Redis' copy of its sale was lost.

    In doubt until the sale is rebuilt: it may be in the ledger, or still in an outbox.
    """

    order_id = models.UUIDField(primary_key=True)
    client = models.ForeignKey(ApiClient, on_delete=models.PROTECT, db_index=False)
    sale = models.ForeignKey(Sale, on_delete=models.PROTECT)
    confirmed = models.BooleanField(
        default=False,
        db_default=False,
        help_text="The sale was rebuilt, and the order is in no store.",
    )
    noted_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-noted_at"]
        indexes = [
            models.Index(fields=["sale"], condition=Q(confirmed=False), name="lost_order_doubtful"),
        ]

    def __str__(self) -> str:
        return str(self.order_id)
