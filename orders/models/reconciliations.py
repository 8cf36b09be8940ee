"""Results of reconciliation over time, and the checkpoints from which it continues."""

from django.db import models
from django.db.models.functions import Now

from inventory.models import Sale


class ReconciliationRecord(models.Model):
    """One comparison of a sale's counters with its ledger."""

    sale = models.ForeignKey(Sale, on_delete=models.PROTECT, db_index=False)
    compared_at = models.DateTimeField(db_default=Now())
    drift = models.BigIntegerField(
        null=True, blank=True, help_text="Units that are off; empty: it could not tell."
    )
    reason = models.CharField(max_length=300, blank=True, help_text="Why it could not tell.")
    skus = models.JSONField(default=list, help_text="Both sides of each SKU, at one watermark.")
    findings = models.JSONField(default=list, help_text="What explains the drift.")
    repaired = models.BooleanField(default=False)

    class Meta:
        ordering = ["-id"]
        permissions = [("repair_reconciliationrecord", "Can repair what drifts")]
        indexes = [
            models.Index(fields=["sale", "-id"], name="reconciliation_of_sale"),
            models.Index(fields=["compared_at"], name="reconciliation_age"),
        ]

    def __str__(self) -> str:
        return f"{self.sale_id} at {self.compared_at}"


class ReconciliationCheckpoint(models.Model):
    """Where the last comparison of a sale without drift stood, so that the next goes on from there.

    A base to calculate from, never a finding: what drifts by it is compared anew without it.
    """

    sale = models.OneToOneField(Sale, on_delete=models.CASCADE, primary_key=True)
    epoch = models.PositiveIntegerField(help_text="A rebuild begins anew.")
    releases = models.BigIntegerField(help_text="How many releases Redis had made.")
    offsets = models.JSONField(
        default=dict,
        help_text="By allocation: released in the ledger and not in Redis, less `released` there.",
    )
    thorough_at = models.DateTimeField(help_text="When all that was on its way was last read.")

    def __str__(self) -> str:
        return f"{self.sale_id} at release {self.releases}"
