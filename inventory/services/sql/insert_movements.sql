-- Write movements of orders into the stock ledger, one array per column.
INSERT INTO inventory_stockmovement (order_id, allocation_id, kind, held, sold)
SELECT * FROM unnest(
    %(order_id)s::uuid[], %(allocation_id)s::bigint[], %(kind)s::text[], %(held)s::bigint[],
    %(sold)s::bigint[]
)
