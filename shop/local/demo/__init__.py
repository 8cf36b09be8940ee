"""`demo`: a real flash sale against the whole stack over HTTP, and proof that it came out right."""

from shop.local.demo.command import add_parser

__all__ = ["add_parser"]
