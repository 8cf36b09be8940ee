from django.apps import AppConfig

from shop.core import moments


class InventoryConfig(AppConfig):
    name = "inventory"
    verbose_name = "Inventory"

    def ready(self) -> None:
        moments.install()
