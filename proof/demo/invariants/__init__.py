"""The invariants of a sale, each checked against the accounts of all sides."""
