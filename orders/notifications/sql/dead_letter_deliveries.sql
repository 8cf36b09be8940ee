-- Give up what still waits for endpoints of a channel that were disabled for a reason; those that a
-- person has switched off keep theirs. Returns how many that were, at most the limit.
WITH waiting AS (
    SELECT d.id, endpoint.disabled_reason
    FROM orders_endpoint endpoint
    JOIN orders_delivery d ON d.endpoint_id = endpoint.id AND d.state = 'pending'
    WHERE endpoint.channel = %(channel)s
        AND NOT endpoint.active
        AND endpoint.disabled_reason <> ''
    LIMIT %(limit)s
    FOR UPDATE OF d SKIP LOCKED
), buried AS (
    UPDATE orders_delivery d
    SET state = 'dead', last_error = left('endpoint disabled: ' || waiting.disabled_reason, 500)
    FROM waiting
    WHERE d.id = waiting.id
    RETURNING d.id
)
SELECT count(*) FROM buried
