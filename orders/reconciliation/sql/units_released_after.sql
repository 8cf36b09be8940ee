-- The units of a sale's orders that Redis released after a number of releases, by allocation and
-- whether the ledger had rejected the order. Only orders up to a position count.
SELECT line.allocation_id, o.status = 'rejected', sum(line.quantity)::bigint
FROM orders_order o
JOIN orders_orderline line ON line.order_id = o.id
WHERE o.sale_id = %(sale_id)s
    AND o.release_place > %(releases)s
    AND o.position <= %(position)s
    AND o.status IN ('cancelled', 'expired', 'rejected', 'refunded')
GROUP BY 1, 2
