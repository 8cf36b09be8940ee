"""manage.py open_sale: take orders from now on."""

from typing import Any

from inventory import services
from inventory.domain import SaleState
from inventory.management.sale_command import SaleCommand
from inventory.models import Sale
from inventory.selectors import state_of
from shop.core import clock


class Command(SaleCommand):
    help = "Open a sale now: ends a pause, and opens what is scheduled for later."

    def change(self, sale: Sale, options: dict[str, Any]) -> str:
        now = clock.now()
        if state_of(sale, now) is SaleState.OPEN:
            services.sync_to_redis(sale)  # which may have missed it
            return f"Sale {sale.slug} was open already."
        services.open_sale(sale, version=sale.version, now=now)
        return f"Sale {sale.slug} is open."
