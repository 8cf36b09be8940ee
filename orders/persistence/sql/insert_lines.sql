-- Insert the lines of orders that were just inserted, one array per column.
INSERT INTO orders_orderline (order_id, allocation_id, quantity, unit_price)
SELECT * FROM unnest(
    %(order_id)s::uuid[], %(allocation_id)s::bigint[], %(quantity)s::int[], %(unit_price)s::numeric[]
)
