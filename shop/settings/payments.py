"""Secrets of payment providers, and the drop page, which can pay an order as a test."""

import secrets
from base64 import b64encode

from .base import env, kept_secret

# More than one, separated by commas, while a secret is being replaced.
PAYMENT_WEBHOOK_SECRETS = env.items("PAYMENT_WEBHOOK_SECRET") or [
    kept_secret(
        "payment_webhook_secret", lambda: "whsec_" + b64encode(secrets.token_bytes(32)).decode()
    )
]
STRIPE_WEBHOOK_SECRET = env.text("STRIPE_WEBHOOK_SECRET")  # empty: no such endpoint

# Signs payments in the provider's place, so that the drop page can pay an order. For trials only.
TEST_PAYMENTS = env.flag("TEST_PAYMENTS")

# --- The drop page ------------------------------------------------------------------------------

# The key is public (docs/adr/0017). Empty: the page shows the sale, and takes no orders.
DROP_PAGE_API_KEY = env.text("DROP_PAGE_API_KEY")
DROP_PAGE_ORDERS_PER_ADDRESS = env.whole("DROP_PAGE_ORDERS_PER_ADDRESS")  # a minute
DROP_PAGE_ORDERS_PER_CUSTOMER = env.whole("DROP_PAGE_ORDERS_PER_CUSTOMER")
