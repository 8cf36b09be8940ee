"""Proof that the product keeps its promises: a sale, faults under load, and a long mixed load."""
