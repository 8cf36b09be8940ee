-- What each stock row of a sale lacks of what its orders hold, and of what they have bought, in
-- units. One statement, so that rows and orders are those of one moment.
-- Example: sale_id 7, allocation_ids {12,13}.
SELECT a.id, coalesce(o.held, 0) - a.held, coalesce(o.sold, 0) - a.sold
FROM inventory_allocation a
LEFT JOIN (
    SELECT
        line.allocation_id,
        sum(line.quantity) FILTER (WHERE o.status = 'awaiting_payment') AS held,
        sum(line.quantity) FILTER (WHERE o.status <> 'awaiting_payment') AS sold
    FROM orders_order o
    JOIN orders_orderline line ON line.order_id = o.id
    WHERE o.sale_id = %(sale_id)s AND o.status IN ('awaiting_payment', 'confirmed', 'paid')
    GROUP BY 1
) o ON o.allocation_id = a.id
WHERE a.sale_id = %(sale_id)s AND a.id = ANY(%(allocation_ids)s::bigint[])
ORDER BY a.id
