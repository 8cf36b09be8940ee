-- Note between which two places of Redis' sequence of releases orders held nothing, one array per
-- column: they hold their units once more, those of their second life, of which nothing is released.
UPDATE orders_order o
SET gap_start = g.gap_start, gap_end = g.gap_end, release_place = NULL, let_go_at = %(now)s
FROM unnest(%(order_id)s::uuid[], %(gap_start)s::bigint[], %(gap_end)s::bigint[])
    AS g (order_id, gap_start, gap_end)
WHERE o.id = g.order_id
