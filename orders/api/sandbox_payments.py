"""Test payments: a stand-in for a payment provider's page, for trying out the drop page."""

from django.http import HttpRequest, HttpResponse

from inventory.money import format_amount
from orders.domain import parse_order_id
from orders.http import problems
from orders.http.problems import Problem, Refused
from orders.models import Order
from orders.payments.adapters import sandbox, standard
from shop.core.processes.threads import in_thread

from .endpoint import endpoint
from .payment_callbacks import take_message


@endpoint("POST")
async def test_payment(request: HttpRequest, order_id: str) -> HttpResponse:
    """Let the payment of an order succeed, or fail as the form field `outcome` says.

    It is no part of the API, and absent unless TEST_PAYMENTS is on. It needs the order's id alone,
    which cannot be guessed.
    """
    if not sandbox.is_on():
        raise _not_found(f"There is nothing at {request.path}.")
    outcome = request.POST.get("outcome", "succeeded")
    if outcome not in sandbox.OUTCOMES:
        error = {"pointer": "/outcome", "detail": "is succeeded or failed"}
        raise Refused(Problem(problems.INVALID_REQUEST, "Some fields are not valid.", [error]))
    headers, body = await in_thread(_message, order_id, outcome)
    return await take_message(request, standard.PROVIDER, headers, body)


def _message(order_id: str, outcome: str) -> tuple[dict[str, str], bytes]:
    """Return the signed message about an order in the ledger. Raises Refused."""
    parsed = parse_order_id(order_id)
    order = Order.objects.filter(pk=parsed).first() if parsed else None
    if order is None:
        raise _not_found(f"There is no order {order_id[:64]}.")
    return sandbox.signed_message(
        order_id=order.pk,
        outcome=outcome,
        amount=format_amount(order.total, order.currency),
        currency=order.currency,
    )


def _not_found(detail: str) -> Refused:
    return Refused(Problem(problems.NOT_FOUND, detail))
