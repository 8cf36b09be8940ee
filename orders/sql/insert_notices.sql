-- Note what payment providers say, one array per column. A message whose id is there already is left
-- out. Returns provider and id of those that this call has written.
INSERT INTO orders_paymentnotice (
    provider, notice_id, digest, type, order_id, amount, currency, reference, state, detail,
    received_at, settled_at
)
SELECT
    provider, notice_id, decode(digest, 'hex'), type, order_id, amount, currency, reference, state,
    detail, received_at, CASE WHEN state <> 'pending' THEN received_at END
FROM unnest(
    %(provider)s::text[], %(notice_id)s::text[], %(digest)s::text[], %(type)s::text[],
    %(order_id)s::uuid[], %(amount)s::numeric[], %(currency)s::text[], %(reference)s::text[],
    %(state)s::text[], %(detail)s::text[], %(received_at)s::timestamptz[]
) AS n (
    provider, notice_id, digest, type, order_id, amount, currency, reference, state, detail,
    received_at
)
ON CONFLICT (provider, notice_id) DO NOTHING
RETURNING provider, notice_id
