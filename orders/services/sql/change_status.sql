-- Bring those of these orders that are in one of the source statuses into the target status. One that
-- gives up its units says since when. Returns their ids, sales, how many events each has had, and its
-- lines as "allocation,quantity,allocation,quantity…".
WITH changed AS (
    UPDATE orders_order AS o
    SET status = %(target)s,
        let_go_at = CASE WHEN %(lets_go)s THEN coalesce(o.let_go_at, clock_timestamp()) END
    WHERE o.id = ANY(%(order_ids)s::uuid[]) AND o.status = ANY(%(sources)s)
    RETURNING o.id, o.sale_id
)
SELECT
    changed.id::text, changed.sale_id,
    (SELECT max(e.sequence) FROM orders_orderevent e WHERE e.order_id = changed.id),
    (
        SELECT string_agg(l.allocation_id || ',' || l.quantity, ',' ORDER BY l.id)
        FROM orders_orderline l
        WHERE l.order_id = changed.id
    )
FROM changed
