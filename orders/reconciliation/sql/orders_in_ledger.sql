-- Those of these orders that are in the ledger.
SELECT id FROM orders_order WHERE id = ANY(%(order_ids)s::uuid[])
