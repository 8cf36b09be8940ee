"""`soak`: everything at once for as long as wanted, and whether every duty was on time."""

from .command import add_parser

__all__ = ["add_parser"]
