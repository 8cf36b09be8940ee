"""Who may look, who may run a sale, and who may decide about stock and money."""

from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from console.roles import ROLES
from console.switches import SWITCHES
from tests.conftest import MakeSale

from .conftest import SignIn

pytestmark = pytest.mark.django_db

MAY_USE = {
    "viewer": set(),
    "operator": {"open", "pause", "window"},
    "manager": {"open", "pause", "window", "stock", "limit", "close"},
}


def names(role: str) -> set[str]:
    group = Group.objects.get(name=role)
    rows = group.permissions.values_list("content_type__app_label", "codename")
    return {f"{app}.{codename}" for app, codename in rows}


def test_every_permission_that_a_role_names_exists() -> None:
    for role, wanted in ROLES.items():
        assert set(wanted) <= names(role)


def test_each_role_has_all_that_the_one_before_it_has() -> None:
    assert names("viewer") < names("operator") < names("manager")
    assert {name.split(".")[1].split("_")[0] for name in names("viewer")} == {"view"}


def test_migrating_again_gives_back_what_was_taken_and_leaves_what_was_added() -> None:
    operators = Group.objects.get(name="operator")
    operators.permissions.remove(Permission.objects.get(codename="pause_sale"))
    operators.permissions.add(Permission.objects.get(codename="close_sale"))
    call_command("migrate", verbosity=0)
    assert {"inventory.pause_sale", "inventory.close_sale"} <= names("operator")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_switch_is_used_by_those_whose_role_has_it(
    switch: str, role: str, make_sale: MakeSale, sign_in: SignIn
) -> None:
    sale = make_sale(limit=2, opens_at=datetime(2100, 1, 1, tzinfo=UTC))
    browser, url = sign_in(role), reverse("console:switch", args=[sale.pk, switch])
    offered = browser.get(reverse("console:live", args=[sale.pk])).content.decode()

    may = switch in MAY_USE[role]
    assert (url in offered) is may
    assert browser.get(url).status_code == (200 if may else 403)
    assert browser.post(url, {"confirmed": "yes"}).status_code == (200 if may else 403)


@pytest.mark.parametrize("page", ["live", "live-feed", "switch", "overview"])
def test_nobody_looks_without_a_role(page: str, make_sale: MakeSale, sign_in: SignIn) -> None:
    sale = make_sale()
    arguments = {"overview": [], "switch": [sale.pk, "pause"]}.get(page, [sale.pk])
    assert sign_in("").get(reverse(f"console:{page}", args=arguments)).status_code == 403


def test_who_is_not_signed_in_is_sent_to_the_sign_in_and_a_script_is_told(
    client: Client, make_sale: MakeSale
) -> None:
    sale = make_sale()
    page = client.get(reverse("console:live", args=[sale.pk]))
    assert (page.status_code, page["location"].split("?")[0]) == (302, "/admin/login/")
    assert client.get(reverse("console:live-feed", args=[sale.pk])).status_code == 401
    assert client.get(reverse("console:overview")).status_code == 401


def test_people_and_roles_have_their_pages(admin_client: Client) -> None:
    page = admin_client.get("/admin/auth/group/").content.decode()
    assert all(role in page for role in ROLES)
    assert "admin" in admin_client.get("/admin/auth/user/").content.decode()
