"""The form fields of the switches, in the theme of the admin."""

from datetime import UTC
from typing import TYPE_CHECKING, Any

from django import forms
from unfold.widgets import INPUT_CLASSES, SELECT_CLASSES

from inventory.models import Allocation

if TYPE_CHECKING:
    _AllocationField = forms.ModelChoiceField[Allocation]
else:
    _AllocationField = forms.ModelChoiceField

_INPUT, _SELECT = {"class": " ".join(INPUT_CLASSES)}, {"class": " ".join(SELECT_CLASSES)}
MOMENT = "%Y-%m-%dT%H:%M:%S"  # as browsers send it


class MomentField(forms.DateTimeField):
    """A date and time of day in UTC, to the second."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        widget = forms.DateTimeInput({**_INPUT, "type": "datetime-local", "step": 1}, MOMENT)
        formats = [MOMENT, "%Y-%m-%dT%H:%M"]
        super().__init__(label=label, widget=widget, input_formats=formats, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        """Show UTC, whatever zone the page has."""
        return value.astimezone(UTC).replace(tzinfo=None) if hasattr(value, "tzinfo") else value


class NumberField(forms.IntegerField):
    """A whole number within bounds."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label=label, widget=forms.NumberInput(_INPUT), **kwargs)


class SkuField(_AllocationField):
    """One of the SKUs that a sale offers."""

    def __init__(self, label: str) -> None:
        nothing_yet = Allocation.objects.none()
        super().__init__(nothing_yet, label=label, widget=forms.Select(_SELECT), empty_label=None)

    def label_from_instance(self, obj: Allocation) -> str:
        return f"{obj.product.sku} – {obj.product.name} ({obj.allocated:,} allocated)"
