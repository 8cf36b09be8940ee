"""The invariants of a sale, each judged from what all sides say of it."""
