-- Read events with all that any channel says of them and their orders, in the sequence of their ids, as
-- Notice has it. The lines are a JSON array of [SKU, product, quantity, unit price as text].
SELECT
    e.id, e.type, e.sequence, e.created_at, e.refund_due,
    o.id, o.client_id, sale.slug, sale.name, o.customer, o.email, o.currency, o.total,
    o.metadata::text, o.accepted_at, o.hold_expires_at,
    (
        SELECT json_agg(
            json_build_array(product.sku, product.name, l.quantity, l.unit_price::text) ORDER BY l.id
        )::text
        FROM orders_orderline l
        JOIN inventory_allocation allocation ON allocation.id = l.allocation_id
        JOIN inventory_product product ON product.id = allocation.product_id
        WHERE l.order_id = o.id
    ),
    o.traceparent
FROM orders_orderevent e
JOIN orders_order o ON o.id = e.order_id
JOIN inventory_sale sale ON sale.id = o.sale_id
WHERE e.id = ANY(%(event_ids)s::bigint[])
ORDER BY e.id
