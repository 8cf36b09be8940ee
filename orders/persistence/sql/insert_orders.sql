-- Insert a batch of orders, one array per column. A row whose id or request is there already is
-- left out; the ids that come back are the ones this call inserted. The sale and the clients stay
-- locked until then, as a foreign key would lock them; one that is not there violates NOT NULL.
WITH sale AS (
    SELECT id FROM inventory_sale WHERE id = %(sale_id)s FOR KEY SHARE
), client AS (
    SELECT id FROM orders_apiclient WHERE id = ANY(%(client_id)s::bigint[]) FOR KEY SHARE
)
INSERT INTO orders_order (
    id, client_id, sale_id, request_key, request_fingerprint, http_request_id, customer, email,
    status, rejection, currency, total, metadata, accepted_at, hold_expires_at, epoch, position,
    traceparent, let_go_at
)
SELECT
    o.id, client.id, sale.id, o.request_key, decode(o.fingerprint, 'hex'), o.http_request_id,
    o.customer, o.email, o.status, o.rejection, o.currency, o.total, o.metadata::json,
    timestamptz 'epoch' + o.accepted_at_ms * interval '1 millisecond',
    timestamptz 'epoch' + o.held_until_ms * interval '1 millisecond',
    o.epoch, o.position, o.traceparent, CASE WHEN o.status = 'rejected' THEN now() END
FROM unnest(
    %(id)s::uuid[], %(client_id)s::bigint[], %(request_key)s::text[], %(fingerprint)s::text[],
    %(http_request_id)s::text[], %(customer)s::text[], %(email)s::text[], %(status)s::text[],
    %(rejection)s::text[], %(currency)s::text[], %(total)s::numeric[], %(metadata)s::text[],
    %(accepted_at_ms)s::bigint[], %(held_until_ms)s::bigint[], %(epoch)s::int[],
    %(position)s::bigint[], %(traceparent)s::text[]
) AS o (
    id, client_id, request_key, fingerprint, http_request_id, customer, email, status, rejection,
    currency, total, metadata, accepted_at_ms, held_until_ms, epoch, position, traceparent
)
LEFT JOIN sale ON true
LEFT JOIN client ON client.id = o.client_id
ON CONFLICT DO NOTHING
RETURNING id::text
