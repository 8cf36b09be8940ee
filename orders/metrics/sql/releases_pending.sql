-- How many orders of each sale hold nothing in the ledger and are not known to be released in Redis,
-- counted up to `most`.
-- Example: sale_ids {7,8}, most 10001.
SELECT sale.id, pending.orders
FROM unnest(%(sale_ids)s::bigint[]) AS sale (id)
CROSS JOIN LATERAL (
    SELECT count(*) AS orders
    FROM (
        SELECT 1
        FROM orders_order o
        WHERE o.sale_id = sale.id
            AND o.release_place IS NULL
            AND o.status IN ('cancelled', 'expired', 'rejected', 'refunded')
        LIMIT %(most)s
    ) o
) pending
