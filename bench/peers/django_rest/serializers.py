"""What an order must look like."""

from rest_framework import serializers


class LineSerializer(serializers.Serializer):
    sku = serializers.CharField(max_length=64)
    quantity = serializers.IntegerField(min_value=1)


class OrderSerializer(serializers.Serializer):
    sale = serializers.CharField(max_length=64)
    customer = serializers.CharField(max_length=128)
    lines = LineSerializer(many=True, allow_empty=False, max_length=20)
