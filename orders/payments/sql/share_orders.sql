-- What these orders cost, as far as they are in the ledger: id, total and currency. Keeps their rows
-- from those who lock them to end their holds, and from nobody else, until the transaction ends.
SELECT id, total, currency
FROM orders_order
WHERE id = ANY(%(order_ids)s::uuid[])
ORDER BY id
FOR KEY SHARE
