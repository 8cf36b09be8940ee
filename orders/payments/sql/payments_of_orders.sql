-- The notices that wait for one of these orders; next to none does, and they have an index of their own.
SELECT id
FROM orders_paymentnotice
WHERE order_id = ANY(%(order_ids)s::uuid[]) AND state = 'pending'
ORDER BY id
