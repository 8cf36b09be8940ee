-- The orders of a sale that gave up their units in the ledger and not yet in Redis, the longest first:
-- id, customer, whether they hold them for the second time, and their lines as
-- "allocation,quantity,allocation,quantity…".
SELECT
    o.id, o.customer, o.gap_end IS NOT NULL,
    (
        SELECT string_agg(l.allocation_id || ',' || l.quantity, ',')
        FROM orders_orderline l
        WHERE l.order_id = o.id
    )
FROM orders_order o
WHERE o.sale_id = %(sale_id)s AND o.release_place IS NULL
    AND o.status IN ('cancelled', 'expired', 'rejected', 'refunded')
ORDER BY o.let_go_at
LIMIT %(most)s
