-- The units of a sale's orders that a late payment took again after a number of releases, by
-- allocation, status, and whether their hold had ended before it. Only orders up to a position count.
SELECT line.allocation_id, o.status, o.gap_start <= %(releases)s, sum(line.quantity)::bigint
FROM orders_order o
JOIN orders_orderline line ON line.order_id = o.id
WHERE o.sale_id = %(sale_id)s AND o.gap_end > %(releases)s AND o.position <= %(position)s
GROUP BY 1, 2, 3
