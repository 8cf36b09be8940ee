"""Embedded PostgreSQL and Redis-protocol servers, with data and ports of their own."""
