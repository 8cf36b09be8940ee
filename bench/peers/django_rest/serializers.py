"""The form of an order."""

from rest_framework import serializers


class LineSerializer(serializers.Serializer):
    """One line of a request: a SKU and how many units of it."""

    sku = serializers.CharField(max_length=64)
    quantity = serializers.IntegerField(min_value=1)


class OrderSerializer(serializers.Serializer):
    """The body of a request, with the same bounds as the product's."""

    sale = serializers.CharField(max_length=64)
    customer = serializers.CharField(max_length=128)
    lines = LineSerializer(many=True, allow_empty=False, max_length=20)
