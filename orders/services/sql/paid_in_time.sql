-- Of these orders, return the ids of those with a payment that was received before their hold ended and
-- waits to be applied.
SELECT o.id::text
FROM orders_order o
WHERE o.id = ANY(%(order_ids)s::uuid[])
    AND EXISTS (
        SELECT FROM orders_paymentnotice n
        WHERE n.order_id = o.id AND n.state = 'pending' AND n.type = 'succeeded'
            AND n.received_at <= o.hold_expires_at
    )
