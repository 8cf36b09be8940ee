"""Accounts and roles of the web admin, in its theme."""

from typing import TYPE_CHECKING

from django.contrib import admin
from django.contrib.admin.checks import ModelAdminChecks
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.db.models import QuerySet
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

if TYPE_CHECKING:
    _UserAdmin = UserAdmin[User]

    class _Themed:
        """The theme's ModelAdmin, which has no types."""

else:
    from unfold.admin import ModelAdmin as _Themed

    _UserAdmin = UserAdmin

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class PeopleAdmin(_UserAdmin, _Themed):
    """Accounts: staff see the admin, and their roles permit the rest."""

    checks_class = ModelAdminChecks
    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "roles", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        ("Person", {"fields": ("first_name", "last_name", "email")}),
        ("Roles", {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )

    @admin.display(description="roles")
    def roles(self, user: User) -> str:
        return ", ".join(group.name for group in user.groups.all())

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        return super().get_queryset(request).prefetch_related("groups")


@admin.register(Group)
class RoleAdmin(GroupAdmin, _Themed):
    """Roles: `migrate` makes viewer, operator and manager; others may be added."""

    checks_class = ModelAdminChecks
