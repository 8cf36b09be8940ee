"""manage.py pause_sale: no orders until it is opened again."""

from typing import Any

from inventory import services
from inventory.domain import SaleState
from inventory.management.sale_command import SaleCommand
from inventory.models import Sale
from inventory.selectors import state_of
from shop.core import clock


class Command(SaleCommand):
    help = (
        "Pause a sale: it takes no orders until manage.py open_sale. What is held stays held, and "
        "its holds end when they would have."
    )

    def change(self, sale: Sale, options: dict[str, Any]) -> str:
        now = clock.now()
        if state_of(sale, now) is SaleState.PAUSED:
            services.sync_to_redis(sale)  # which may have missed it
            return f"Sale {sale.slug} was paused already."
        services.pause_sale(sale, version=sale.version, now=now)
        return f"Sale {sale.slug} is paused."
