"""The tables of this app."""

from .clients import ApiClient, hash_api_key
from .dead_letters import DeadLetter
from .lost_orders import LostOrder
from .notifications import Delivery, Endpoint, new_signing_secret
from .orders import Order, OrderEvent, OrderLine
from .payments import PaymentNotice, ProviderMessage
from .reconciliations import ReconciliationCheckpoint, ReconciliationRecord

__all__ = [
    "ApiClient",
    "DeadLetter",
    "Delivery",
    "Endpoint",
    "LostOrder",
    "Order",
    "OrderEvent",
    "OrderLine",
    "PaymentNotice",
    "ProviderMessage",
    "ReconciliationCheckpoint",
    "ReconciliationRecord",
    "hash_api_key",
    "new_signing_secret",
]
