"""The app `inventory`, and what it sets up once per process."""

from django.apps import AppConfig

from shop.core.stores import moments


class InventoryConfig(AppConfig):
    """SKUs, sales, allocations and the stock ledger."""

    name = "inventory"
    verbose_name = "Inventory"

    def ready(self) -> None:
        moments.install()
