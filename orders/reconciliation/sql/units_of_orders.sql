-- The units of these orders, by allocation and whether the ledger had rejected the order.
SELECT line.allocation_id, o.status = 'rejected', sum(line.quantity)::bigint
FROM orders_order o
JOIN orders_orderline line ON line.order_id = o.id
WHERE o.id = ANY(%(order_ids)s::uuid[])
GROUP BY 1, 2
