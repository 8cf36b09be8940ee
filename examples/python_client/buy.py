"""Buy something: `python buy.py basket.json --sale demo-drop --sku TEE-BLACK --customer ada`.

The file keeps the attempt. Run it again, after whatever went wrong, and it goes on where it was.
SHOP_URL and SHOP_API_KEY say where and as whom.
"""

import argparse
import os
import sys
from pathlib import Path

from flash_sale import Attempt, Refused, Shop, Undecided


def main() -> int:
    """Print each status of the order; return 0 where there is one, 1 for a no, 2 for no answer."""
    parser = argparse.ArgumentParser(description="Buy something.")
    parser.add_argument("attempt", type=Path, help="where the attempt is kept")
    for name in ("--sale", "--sku", "--customer"):
        parser.add_argument(name, required=True)
    parser.add_argument("--quantity", type=int, default=1)
    wish = parser.parse_args()
    lines = [{"sku": wish.sku, "quantity": wish.quantity}]
    order = {"sale": wish.sale, "customer": wish.customer, "lines": lines}
    try:
        with Shop(os.environ["SHOP_URL"], os.environ["SHOP_API_KEY"]) as shop:
            placed = shop.place(Attempt.kept_at(wish.attempt, order))
            print(placed["id"], placed["status"], flush=True)
            if placed["status"] == "accepted":
                print(placed["id"], shop.follow(placed)["status"])
    except Refused as refusal:
        print(f"no: {refusal} ({refusal.slug})", file=sys.stderr)
        return 1
    except Undecided as outcome:
        print(f"not known yet: {outcome}. Run it again.", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
