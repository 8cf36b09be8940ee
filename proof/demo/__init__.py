"""`demo`: a real flash sale against the whole stack over HTTP, and proof that it came out right."""

from .command import add_parser

__all__ = ["add_parser"]
