-- Bring those of these orders that are in one of the source statuses into the target status. Returns
-- their ids, sales, and how many events each has had. One that gives up its units says since when.
UPDATE orders_order AS o
SET status = %(target)s,
    let_go_at = CASE WHEN %(lets_go)s THEN coalesce(o.let_go_at, clock_timestamp()) END
WHERE o.id = ANY(%(order_ids)s::uuid[]) AND o.status = ANY(%(sources)s)
RETURNING
    o.id, o.sale_id,
    (SELECT max(e.sequence) FROM orders_orderevent e WHERE e.order_id = o.id)
