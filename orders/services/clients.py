"""The programs that may place orders."""

import re

from django.db import IntegrityError, transaction

from orders.errors import ClientExists, ClientUnknown, UnusableKey
from orders.models import ApiClient

KEY = re.compile(r"fso_[A-Za-z0-9_-]{32,200}")  # long enough that a plain hash keeps it


def create_client(*, name: str, rate_limit: int | None = None) -> tuple[ApiClient, str]:
    """Create a client. Returns it and its API key, which cannot be read again.

    `rate_limit` is in orders a second, None: no limit. Raises ClientExists, and django's
    ValidationError for a name or a limit that cannot be one.
    """
    client = ApiClient(name=name, rate_limit=rate_limit)
    key = client.set_new_key()
    client.full_clean(validate_unique=False, validate_constraints=False)
    try:
        with transaction.atomic():
            client.save(force_insert=True)
    except IntegrityError as error:
        raise ClientExists(name) from error
    return client, key


def find_client(name: str) -> ApiClient:
    """Return the client of this very name. Raises ClientUnknown."""
    found = None if "\0" in name else ApiClient.objects.filter(name=name).first()
    if found is None:
        raise ClientUnknown(name)
    return found


def ensure_client(*, name: str, key: str, rate_limit: int | None = None) -> ApiClient:
    """See to it that the client `name` has this `key`, which was made elsewhere.

    A key that it had before is refused within seconds. Its limit stays as it is where `rate_limit`
    is None. Raises UnusableKey for a key that could be guessed or is another client's, ClientExists
    where another process makes this client now, and django's ValidationError.
    """
    if not KEY.fullmatch(key):
        raise UnusableKey("A key is fso_ and at least 32 random letters, digits, - or _.")
    try:
        with transaction.atomic():
            client = ApiClient.objects.select_for_update().filter(name=name).first()
            client = client or ApiClient(name=name)
            client.rate_limit = client.rate_limit if rate_limit is None else rate_limit
            client.set_key(key)
            client.full_clean(validate_unique=False, validate_constraints=False)
            if ApiClient.objects.filter(key_hash=client.key_hash).exclude(name=name).exists():
                raise UnusableKey("Another client has this key.")
            client.save()
    except IntegrityError as error:
        raise ClientExists(name) from error
    return client


def give_new_key(client: ApiClient) -> str:
    """Replace a client's API key. Returns the new one, which cannot be read again.

    The earlier one is refused within seconds, as soon as the processes look.
    """
    key = client.set_new_key()
    client.save(update_fields=["key_hash", "key_hint"])
    return key
