"""The programs that may place orders."""

from django.db import IntegrityError, transaction

from orders.errors import ClientExists, ClientUnknown
from orders.models import ApiClient


def create_client(*, name: str) -> tuple[ApiClient, str]:
    """Create a client. Returns it and its API key, which cannot be read again.

    Raises ClientExists, and django's ValidationError for a name that cannot be one.
    """
    client = ApiClient(name=name)
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


def give_new_key(client: ApiClient) -> str:
    """Replace a client's API key. Returns the new one, which cannot be read again.

    The earlier one is refused within seconds, as soon as the processes look.
    """
    key = client.set_new_key()
    client.save(update_fields=["key_hash", "key_hint"])
    return key
