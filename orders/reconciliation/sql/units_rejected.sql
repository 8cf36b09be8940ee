-- The units of a sale's rejected orders that Redis had not released at a number of releases, where
-- no release that is not noted was made before. Only orders up to a position count.
SELECT line.allocation_id, sum(line.quantity)::bigint
FROM (
    SELECT id, position
    FROM orders_order
    WHERE sale_id = %(sale_id)s AND status = 'rejected' AND release_place IS NULL
    UNION ALL
    SELECT id, position
    FROM orders_order
    WHERE sale_id = %(sale_id)s AND status = 'rejected' AND release_place > %(releases)s
) o
JOIN orders_orderline line ON line.order_id = o.id
WHERE o.position <= %(position)s
GROUP BY 1
