-- Those of these entries of a sale's outbox that are rejected dead letters.
SELECT entry_id
FROM orders_deadletter
WHERE sale_id = %(sale_id)s AND entry_id = ANY(%(entry_ids)s::text[]) AND resolution = 'rejected'
