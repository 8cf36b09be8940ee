"""Reasons for which a fault has no result of its own."""


class Skipped(Exception):
    """The fault cannot be done on this machine; its text says what is missing."""


class NotDone(Exception):
    """The fault was to happen and did not, so its result would prove nothing; its text says why."""
