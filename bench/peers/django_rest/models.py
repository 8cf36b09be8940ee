"""Clients and orders, and the three rows that come with each order."""

import uuid

from django.db import models
from django.db.models.functions import Now


class Client(models.Model):
    """A client that may place orders; of the API key only the digest is kept."""

    is_authenticated = True  # what the framework asks of a user

    name = models.CharField(max_length=100)
    key_digest = models.CharField(max_length=64, unique=True)

    def __str__(self) -> str:
        return self.name


class Order(models.Model):
    """An order as this peer keeps it: one row, written by its task."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client = models.ForeignKey(Client, on_delete=models.PROTECT, db_index=False)
    request_key = models.CharField(max_length=255)
    sale = models.CharField(max_length=64, db_index=True)
    customer = models.CharField(max_length=128)
    status = models.CharField(max_length=16, default="confirmed")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "request_key"], name="peer_order_once_per_request"
            )
        ]

    def __str__(self) -> str:
        return str(self.pk)


class OrderLine(models.Model):
    """So many units of one SKU in an order."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="lines")
    sku = models.CharField(max_length=64)
    quantity = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"{self.quantity} × {self.sku}"


class Movement(models.Model):
    """Units that left the stock for an order."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="movements")
    sku = models.CharField(max_length=64)
    units = models.IntegerField()
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.units} × {self.sku}"


class OrderEvent(models.Model):
    """Something that happened to an order."""

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="events")
    sequence = models.PositiveIntegerField()
    type = models.CharField(max_length=32)
    created_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"{self.type} #{self.sequence}"
