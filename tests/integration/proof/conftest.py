"""What these tests share with those of the local stack."""

from tests.integration.local.conftest import _clean_environment, state

__all__ = ["_clean_environment", "state"]
