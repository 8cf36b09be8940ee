-- Note what payment providers say, one array per column. A message whose id is there already is left
-- out. Returns provider and id of those that this call has written.
--
-- A payment counts from when it was received, unless its order has let go of its units since (its mark
-- was lost, or too old): what cannot be kept is not promised, and it counts from now. The caller has
-- locked the orders that have a row, so none of them lets go before the commit.
INSERT INTO orders_paymentnotice (
    provider, notice_id, digest, type, order_id, amount, currency, reference, state, detail,
    received_at, settled_at
)
SELECT
    n.provider, n.notice_id, decode(n.digest, 'hex'), n.type, n.order_id, n.amount, n.currency,
    n.reference, n.state, n.detail,
    CASE
        WHEN n.type = 'succeeded' AND n.received_at <= o.hold_expires_at AND (
            o.status = 'expired' OR o.status = 'cancelled' AND n.received_at <= o.let_go_at
        )
        THEN %(now)s
        ELSE n.received_at
    END,
    CASE WHEN n.state <> 'pending' THEN n.received_at END
FROM unnest(
    %(provider)s::text[], %(notice_id)s::text[], %(digest)s::text[], %(type)s::text[],
    %(order_id)s::uuid[], %(amount)s::numeric[], %(currency)s::text[], %(reference)s::text[],
    %(state)s::text[], %(detail)s::text[], %(received_at)s::timestamptz[]
) AS n (
    provider, notice_id, digest, type, order_id, amount, currency, reference, state, detail,
    received_at
)
LEFT JOIN orders_order o ON o.id = n.order_id
ON CONFLICT (provider, notice_id) DO NOTHING
RETURNING provider, notice_id
