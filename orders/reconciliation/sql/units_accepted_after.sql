-- The units of a sale's orders that were accepted after a position, by allocation, status, and
-- whether the order was taken up again after its hold.
SELECT line.allocation_id, o.status, o.gap_end IS NOT NULL, sum(line.quantity)::bigint
FROM orders_order o
JOIN orders_orderline line ON line.order_id = o.id
WHERE o.sale_id = %(sale_id)s AND o.position > %(position)s
GROUP BY 1, 2, 3
