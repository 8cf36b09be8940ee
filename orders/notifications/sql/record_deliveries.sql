-- Write down what became of attempts, one array per column. A result counts only while its delivery
-- is pending and in the very attempt that was claimed: that of a lost lease changes nothing.
-- What waits behind a delivery in its order's sequence goes on at once where that one has come to
-- its end, and waits with it where it has to be tried again. Returns the deliveries that were
-- changed.
WITH result AS (
    SELECT *
    FROM unnest(
        %(id)s::bigint[], %(attempt)s::int[], %(state)s::text[], %(wait_seconds)s::float8[],
        %(tried)s::bool[], %(status)s::int[], %(error)s::text[]
    ) AS r(id, attempt, state, wait_seconds, tried, status, error)
), recorded AS (
    UPDATE orders_delivery d
    SET state = r.state,
        due_at = now() + make_interval(secs => r.wait_seconds),
        attempts = d.attempts - (NOT r.tried)::int,
        last_status = CASE WHEN r.tried THEN r.status ELSE d.last_status END,
        last_error = CASE WHEN r.tried THEN r.error ELSE d.last_error END
    FROM result r
    WHERE d.id = r.id AND d.state = 'pending' AND d.attempts = r.attempt
    RETURNING d.id, d.order_id, d.endpoint_id, d.sequence, d.due_at
), followed AS (
    UPDATE orders_delivery d
    SET due_at = recorded.due_at
    FROM recorded
    CROSS JOIN LATERAL (
        SELECT later.id
        FROM orders_delivery later
        WHERE later.order_id = recorded.order_id
            AND later.endpoint_id = recorded.endpoint_id
            AND later.sequence > recorded.sequence
            AND later.state = 'pending'
        ORDER BY later.sequence
        LIMIT 1
    ) next
    WHERE d.id = next.id AND d.id <> ALL(%(id)s::bigint[])
)
SELECT id FROM recorded
