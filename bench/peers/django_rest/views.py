"""The endpoint: stock is held in Redis, and a task is to write the order down.

These are two steps. What dies between them keeps stock for an order that no task knows, which is
the usual price of this usual design.
"""

import uuid
from typing import Any

import redis
from django.http import HttpRequest, HttpResponse
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .serializers import OrderSerializer
from .stock import reserve
from .tasks import persist_order

LONGEST_KEY = 255


class Unavailable(APIException):
    """The outcome is unknown; the same key asked again gets the truth."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE


class OrdersView(APIView):
    """`POST` places an order: 202, or 409 when it is sold out."""

    def post(self, request: Request) -> Response:
        key = request.headers.get("Idempotency-Key", "")
        if not 0 < len(key) <= LONGEST_KEY:
            raise ValidationError({"type": "idempotency-key-invalid"})
        serializer = OrderSerializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        return self._place(request.user.pk, key, serializer.validated_data)

    def _place(self, client_id: int, key: str, order: dict[str, Any]) -> Response:
        try:
            hold = reserve(key=key, order_id=str(uuid.uuid4()), order=order)
        except redis.RedisError as error:
            raise Unavailable from error
        if hold is None:
            return Response({"type": "sold-out"}, status.HTTP_409_CONFLICT)
        if hold.is_new:
            persist_order.delay(
                order_id=hold.order_id, client_id=client_id, request_key=key, **order
            )
        return Response({"id": hold.order_id, "status": "accepted"}, status.HTTP_202_ACCEPTED)


def alive(request: HttpRequest) -> HttpResponse:
    """Answer with an empty 200."""
    return HttpResponse()
