"""The Django app of the operators' console."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate

from .roles import grant_roles
from .sign_in import lockout


class ConsoleConfig(AppConfig):
    """The operators' dashboard. Grants the roles once every app has its permissions."""

    name = "console"
    label = "console"
    verbose_name = "Console"

    def ready(self) -> None:
        # Orders is the last app whose permissions the roles give. Django sends no
        # `post_migrate` for an app without models, as this one is.
        lockout.listen()
        post_migrate.connect(grant_roles, sender=apps.get_app_config("orders"))
