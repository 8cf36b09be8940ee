"""`drill`: break each part of the running product under load, and count what that has cost."""

from .command import add_parser

__all__ = ["add_parser"]
