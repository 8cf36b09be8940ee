-- Note as which release in Redis orders gave their stock back, one array per column. An order that
-- has been taken up again meanwhile is in its second life, of which this says nothing.
UPDATE orders_order o
SET release_place = r.place
FROM unnest(%(order_id)s::uuid[], %(place)s::bigint[], %(second_hold)s::boolean[])
    AS r (order_id, place, second_hold)
WHERE o.id = r.order_id AND o.release_place IS NULL AND (o.gap_end IS NOT NULL) = r.second_hold
