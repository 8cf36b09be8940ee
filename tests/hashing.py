"""Passwords for tests: as the product keeps them, at a thousandth of the cost."""

from django.contrib.auth.hashers import PBKDF2PasswordHasher


class QuickHasher(PBKDF2PasswordHasher):
    """One round, which the hash says itself: a web process of the product can check it."""

    iterations = 1
