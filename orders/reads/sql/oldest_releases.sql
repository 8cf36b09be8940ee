-- The sales with orders that gave up their units in the ledger and not yet in Redis: id, epoch, and
-- since when the first of them waits. Goes from sale to sale along the index of such orders.
WITH RECURSIVE waiting AS (
    (
        SELECT sale_id, let_go_at
        FROM orders_order
        WHERE status IN ('cancelled', 'expired', 'rejected', 'refunded') AND release_place IS NULL
        ORDER BY sale_id, let_go_at
        LIMIT 1
    )
    UNION ALL
    SELECT following.sale_id, following.let_go_at
    FROM waiting
    CROSS JOIN LATERAL (
        SELECT o.sale_id, o.let_go_at
        FROM orders_order o
        WHERE o.status IN ('cancelled', 'expired', 'rejected', 'refunded')
            AND o.release_place IS NULL AND o.sale_id > waiting.sale_id
        ORDER BY o.sale_id, o.let_go_at
        LIMIT 1
    ) following
), letter AS (
    SELECT sale_id, min(resolved_at) AS let_go_at
    FROM orders_deadletter
    WHERE resolution = 'rejected' AND release_place IS NULL
    GROUP BY sale_id
)
SELECT sale.id, sale.epoch, min(oldest.let_go_at)
FROM (SELECT * FROM waiting UNION ALL SELECT * FROM letter) oldest
JOIN inventory_sale sale ON sale.id = oldest.sale_id
GROUP BY sale.id
ORDER BY min(oldest.let_go_at)
