-- The units that Redis released of a sale's orders above `since` and up to `until`, in their first
-- and their second life, by allocation. Rejected orders are left out: their units never were in a
-- stock row.
SELECT line.allocation_id, sum(line.quantity)::bigint
FROM (
    SELECT id
    FROM orders_order
    WHERE sale_id = %(sale_id)s
        AND release_place > %(since)s AND release_place <= %(until)s
        AND status <> 'rejected'
    UNION ALL
    SELECT id
    FROM orders_order
    WHERE sale_id = %(sale_id)s AND gap_start > %(since)s AND gap_start <= %(until)s
) o
JOIN orders_orderline line ON line.order_id = o.id
GROUP BY 1
