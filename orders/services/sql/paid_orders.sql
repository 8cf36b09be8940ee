-- Of these orders, return the ids of those with a payment that waits to be applied.
SELECT DISTINCT order_id::text
FROM orders_paymentnotice
WHERE order_id = ANY(%(order_ids)s::uuid[]) AND state = 'pending' AND type = 'succeeded'
