-- Lock orders whose hold was over at a time, the longest first, and return their ids and sales. Left out
-- is what has been paid in time (a payment that was received then waits to be applied), what the caller
-- has left alone before, and what is locked: it is being paid, cancelled or expired at this moment, or a
-- payment for it is being noted.
SELECT o.id::text, o.sale_id
FROM orders_order o
WHERE o.status = 'awaiting_payment' AND o.hold_expires_at <= %(over_at)s
    AND o.id <> ALL(%(left)s::uuid[])
    AND NOT EXISTS (
        SELECT FROM orders_paymentnotice n
        WHERE n.order_id = o.id AND n.state = 'pending' AND n.type = 'succeeded'
            AND n.received_at <= o.hold_expires_at
    )
ORDER BY o.hold_expires_at
LIMIT %(most)s
FOR UPDATE OF o SKIP LOCKED
