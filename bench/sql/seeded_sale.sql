-- The keys of a sale with one SKU, and of the client that places orders.
SELECT s.id AS sale_id, s.epoch, a.id AS allocation_id, c.id AS client_id
FROM inventory_sale s
JOIN inventory_allocation a ON a.sale_id = s.id
CROSS JOIN orders_apiclient c
WHERE s.slug = %(sale)s
