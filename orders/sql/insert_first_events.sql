-- Write the first event of orders that were just inserted, one array per column.
INSERT INTO orders_orderevent (order_id, sequence, type)
SELECT order_id, 1, type FROM unnest(%(order_id)s::uuid[], %(type)s::text[]) AS e (order_id, type)
