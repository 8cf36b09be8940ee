"""Clients and their keys: shown once, stored nowhere."""

import re

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from orders.models import ApiClient
from tests.conftest import MakeSale
from tests.placing import Request, place_all

from .conftest import Act, Press

pytestmark = pytest.mark.django_db(transaction=True)

KEY = re.compile(r"fso_[\w-]{43}")
LIST = "/admin/orders/apiclient/"


def accepted(key: str, request_id: str) -> bool:
    (reply,) = place_all(key, [Request(request_id)])
    assert reply.status in (202, 401)
    return reply.status == 202


def test_a_new_client_gets_a_key_that_is_shown_once_and_works(
    admin_client: Client, make_sale: MakeSale
) -> None:
    make_sale()
    form = {"name": "app", "active": "on", "rate_limit": "50"}
    shown = KEY.findall(admin_client.post(f"{LIST}add/", form, follow=True).content.decode())
    client = ApiClient.objects.get(name="app")

    assert len(shown) == 1
    assert accepted(shown[0], "k-1")
    assert client.rate_limit == 50
    for page in (LIST, f"{LIST}{client.pk}/change/", f"{LIST}{client.pk}/history/"):
        body = admin_client.get(page).content.decode()
        assert not KEY.search(body)
        assert client.key_hash not in body


def test_a_client_can_be_made_switched_off(admin_client: Client) -> None:
    admin_client.post(f"{LIST}add/", {"name": "app", "rate_limit": ""})
    assert ApiClient.objects.values_list("name", "active", "rate_limit").get() == (
        "app",
        False,
        None,
    )


def test_a_name_that_is_taken_is_refused(
    admin_client: Client, api_client: tuple[ApiClient, str]
) -> None:
    page = admin_client.post(f"{LIST}add/", {"name": api_client[0].name, "active": "on"})
    assert "already exists" in page.content.decode()
    assert ApiClient.objects.count() == 1


def test_a_new_key_replaces_the_old_one(
    admin_client: Client, press: Press, api_client: tuple[ApiClient, str], make_sale: MakeSale
) -> None:
    make_sale()
    client, old = api_client
    (new,) = KEY.findall(press(admin_client, client, "key"))

    assert accepted(new, "k-1")
    assert not accepted(old, "k-2")
    assert not KEY.search(admin_client.get(LIST).content.decode())
    entry = LogEntry.objects.get(object_id=client.pk)
    assert "new key" in entry.change_message
    assert new not in entry.change_message


def test_a_client_is_switched_off_and_limited_in_the_list(
    admin_client: Client, api_client: tuple[ApiClient, str]
) -> None:
    client = api_client[0]
    form = {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "1",
        "form-0-id": str(client.pk),
        "form-0-rate_limit": "7",
        "_save": "Save",
    }
    assert admin_client.post(LIST, form).status_code == 302
    changed = ApiClient.objects.get(pk=client.pk)
    assert (changed.active, changed.rate_limit) == (False, 7)
    assert changed.key_hash == client.key_hash
    assert LogEntry.objects.filter(object_id=client.pk).exists()


def test_a_form_that_was_open_during_a_rotation_does_not_bring_the_old_key_back(
    admin_client: Client, api_client: tuple[ApiClient, str]
) -> None:
    client = api_client[0]
    stale = ApiClient.objects.get(pk=client.pk)
    client.set_new_key()
    client.save()
    admin_client.post(f"{LIST}{stale.pk}/change/", {"name": "renamed", "active": "on"})
    changed = ApiClient.objects.get(pk=client.pk)
    assert (changed.name, changed.key_hash) == ("renamed", client.key_hash)


def test_a_client_cannot_be_deleted(
    admin_client: Client, api_client: tuple[ApiClient, str]
) -> None:
    assert (
        admin_client.post(f"{LIST}{api_client[0].pk}/delete/", {"post": "yes"}).status_code == 403
    )
    assert ApiClient.objects.exists()


def test_a_viewer_cannot_change_a_client_or_its_key(
    viewer: Client, press: Press, api_client: tuple[ApiClient, str]
) -> None:
    client = api_client[0]
    assert not KEY.search(press(viewer, client, "key"))
    assert viewer.post(f"{LIST}{client.pk}/change/", {"name": "mine"}).status_code == 403
    assert ApiClient.objects.get() == client
    assert ApiClient.objects.get().key_hash == client.key_hash


def test_nothing_happens_to_a_key_before_somebody_says_yes(
    admin_client: Client, api_client: tuple[ApiClient, str]
) -> None:
    page = admin_client.get(f"{LIST}{api_client[0].pk}/key/").content.decode()
    assert "is refused within seconds" in page
    assert not KEY.search(page)
    assert ApiClient.objects.get().key_hash == api_client[0].key_hash


def test_a_new_key_is_kept_by_no_browser_and_no_message(
    admin_client: Client, api_client: tuple[ApiClient, str]
) -> None:
    answer = admin_client.post(f"{LIST}{api_client[0].pk}/key/", {"confirmed": "yes"})
    assert KEY.search(answer.content.decode())
    assert "no-store" in answer["Cache-Control"]
    assert "messages" not in answer.cookies


def test_clients_are_deactivated_and_activated_with_a_note_in_their_history(
    admin_client: Client, act: Act, api_client: tuple[ApiClient, str], make_sale: MakeSale
) -> None:
    make_sale()
    client, key = api_client
    act(admin_client, "orders/apiclient", "deactivate", client)
    assert not accepted(key, "k-1")
    act(admin_client, "orders/apiclient", "activate", client)
    assert accepted(key, "k-1")
    assert LogEntry.objects.filter(object_id=client.pk).count() == 2
