"""Payments: adapters read what providers say, notes keep it, books decide what follows."""
