-- Claim what is due at one endpoint, whose row the caller has locked. Of an order's deliveries only
-- the first that is pending can be claimed: events arrive in their sequence. The others are put off
-- to the time at which that one is due again, so that no scan looks at them twice in vain.
-- Returns delivery, event, how many attempts this makes, and whether it is put off, for all that it
-- has looked at: fewer than the limit means that nothing else is due.
WITH due AS (
    SELECT d.id, d.order_id, d.sequence
    FROM orders_delivery d
    WHERE d.endpoint_id = %(endpoint)s AND d.state = 'pending' AND d.due_at <= now()
    ORDER BY d.due_at, d.id
    LIMIT %(limit)s
    FOR UPDATE SKIP LOCKED
), judged AS (
    SELECT due.id, head.due_at AS head_due_at
    FROM due
    LEFT JOIN LATERAL (
        SELECT earlier.due_at
        FROM orders_delivery earlier
        WHERE earlier.order_id = due.order_id
            AND earlier.endpoint_id = %(endpoint)s
            AND earlier.sequence < due.sequence
            AND earlier.state = 'pending'
        ORDER BY earlier.sequence
        LIMIT 1
    ) head ON true
), changed AS (
    UPDATE orders_delivery d
    SET attempts = d.attempts + (judged.head_due_at IS NULL)::int,
        last_attempt_at = CASE WHEN judged.head_due_at IS NULL THEN now() ELSE d.last_attempt_at END,
        -- A head that is due is claimed by now, or will be in a moment.
        due_at = CASE
            WHEN judged.head_due_at > now() THEN judged.head_due_at
            ELSE now() + make_interval(secs => %(lease_seconds)s)
        END
    FROM judged
    WHERE d.id = judged.id
    RETURNING d.id, d.event_id, d.attempts, judged.head_due_at IS NOT NULL AS put_off
)
SELECT id, event_id, attempts, put_off FROM changed ORDER BY id
