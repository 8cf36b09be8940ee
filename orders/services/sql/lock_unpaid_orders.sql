-- Lock those of these orders that wait for their payment, in the sequence of their ids, so that two who
-- lock several cannot wait for each other. Returns ids, clients and sales.
SELECT id, client_id, sale_id
FROM orders_order
WHERE id = ANY(%(order_ids)s::uuid[]) AND status = 'awaiting_payment'
ORDER BY id
FOR UPDATE
