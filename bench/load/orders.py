"""The requests of a load, as templates that both generators fill in."""

import itertools
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

NUMBER = "########"  # eight digits of the request's number go here: lengths stay the same
_loads = itertools.count(1)


@dataclass(frozen=True)
class Orders:
    """Orders to place with a key of their own each; the bodies take turns."""

    api_key: str
    bodies: Sequence[str]
    key_prefix: str = field(default_factory=lambda: f"{secrets.token_hex(4)}-{next(_loads)}-")

    def write(self, folder: Path) -> Path:
        """Write the bodies into a file in `folder`, one a line, and return its path."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.key_prefix}bodies"
        path.write_text("".join(f"{body}\n" for body in self.bodies))
        return path


def order_body(sale: str, skus: Sequence[str]) -> str:
    """Return the template of an order for one unit of each of `skus`, by a customer of its own."""
    lines = [{"sku": sku, "quantity": 1} for sku in skus]
    return json.dumps({"sale": sale, "customer": f"customer-{NUMBER}", "lines": lines})
