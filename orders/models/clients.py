"""The programs that may place orders."""

import hashlib
import secrets

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

_KEY_PREFIX = "fso_"


def hash_api_key(key: str) -> str:
    """Return what is stored of an API key. The key has 256 random bits, so one SHA-256 is enough:
    slow password hashes protect guessable secrets, and would cost every request dearly."""
    return hashlib.sha256(key.encode()).hexdigest()


class ApiClient(models.Model):
    """A program that places orders. Its key is shown once and stored as a hash."""

    name = models.CharField(max_length=100, unique=True)
    key_hash = models.CharField(max_length=64, unique=True, editable=False)
    key_hint = models.CharField(max_length=12, editable=False, help_text="How the key begins.")
    active = models.BooleanField(
        default=True,
        help_text="Off: its key is refused within seconds, and its webhooks wait.",
    )
    rate_limit = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(1_000_000)],
        help_text="Orders a second that each web process takes from it; empty: no limit.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["name"]
        verbose_name = "API client"

    def __str__(self) -> str:
        return self.name

    def set_new_key(self) -> str:
        """Give this client a new key (unsaved) and return it: the only time it can be read."""
        key = _KEY_PREFIX + secrets.token_urlsafe(32)
        self.set_key(key)
        return key

    def set_key(self, key: str) -> None:
        """Give this client a key (unsaved) that was made elsewhere."""
        self.key_hash = hash_api_key(key)
        self.key_hint = key[:10]
