-- Return id, client and status of those of these orders that are in the ledger.
SELECT id, client_id, status FROM orders_order WHERE id = ANY(%(order_ids)s::uuid[])
