-- Since when the hold that is over longest is over, and since when the notification that is due
-- longest is due; null: none is. An endpoint that does not answer is late by its own doing. A hold that
-- was paid in time waits for its payment to be applied, which counts as that, or for a payment that is
-- being noted: those orders are given.
SELECT (
    SELECT o.hold_expires_at
    FROM orders_order o
    WHERE o.status = 'awaiting_payment' AND o.hold_expires_at <= %(now)s
        AND o.id <> ALL(%(being_paid)s::uuid[])
        AND NOT EXISTS (
            SELECT FROM orders_paymentnotice n
            WHERE n.order_id = o.id AND n.state = 'pending' AND n.type = 'succeeded'
                AND n.received_at <= o.hold_expires_at
        )
    ORDER BY o.hold_expires_at
    LIMIT 1
), (
    SELECT min(delivery.due_at)
    FROM orders_endpoint endpoint
    LEFT JOIN orders_apiclient client ON client.id = endpoint.client_id
    CROSS JOIN LATERAL (
        SELECT d.due_at
        FROM orders_delivery d
        WHERE d.endpoint_id = endpoint.id AND d.state = 'pending' AND d.due_at <= %(now)s
        ORDER BY d.due_at
        LIMIT 1
    ) delivery
    WHERE endpoint.active
        AND client.active IS NOT FALSE
        AND endpoint.failing_since IS NULL
        AND (endpoint.resume_at IS NULL OR endpoint.resume_at <= %(now)s)
)
