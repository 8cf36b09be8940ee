-- The notices that wait to be applied and whose order is in the ledger, the longest first, from a place
-- on: id, when it was received, and whether it is a payment for an order that has let go of its stock.
SELECT
    n.id, n.received_at,
    n.type = 'succeeded' AND o.status IN ('cancelled', 'expired') AND o.gap_end IS NULL
        AND n.amount = o.total
FROM orders_paymentnotice n
JOIN orders_order o ON o.id = n.order_id
WHERE n.state = 'pending' AND (n.received_at, n.id) > (%(received_at)s, %(pk)s)
ORDER BY n.received_at, n.id
LIMIT %(most)s
