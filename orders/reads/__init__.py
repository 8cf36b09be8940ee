"""Reads that many share: clients and sales, statuses of orders, live figures, lateness."""
