-- Count what waits and what was given up for each channel, and how old the oldest of it is. Reads at
-- most so many deliveries of each endpoint, by the index of those that are due, and as many dead ones.
-- Returns channel, pending, dead, age of the oldest pending, and by how much the one that is due
-- longest is late where somebody may deliver it and the endpoint answers (both in seconds, 0 for none).
WITH pending AS (
    SELECT endpoint.channel,
        waiting.deliveries,
        waiting.oldest,
        CASE
            WHEN endpoint.active
                AND client.active IS NOT FALSE
                AND endpoint.failing_since IS NULL
                AND (endpoint.resume_at IS NULL OR endpoint.resume_at <= %(now)s)
                THEN waiting.first_due
        END AS first_due
    FROM orders_endpoint endpoint
    LEFT JOIN orders_apiclient client ON client.id = endpoint.client_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS deliveries, min(d.created_at) AS oldest, min(d.due_at) AS first_due
        FROM (
            SELECT created_at, due_at
            FROM orders_delivery
            WHERE endpoint_id = endpoint.id AND state = 'pending'
            ORDER BY due_at
            LIMIT %(most)s
        ) d
    ) waiting
), dead AS (
    SELECT endpoint.channel, count(*) AS deliveries
    FROM (SELECT endpoint_id FROM orders_delivery WHERE state = 'dead' ORDER BY id LIMIT %(most)s) d
    JOIN orders_endpoint endpoint ON endpoint.id = d.endpoint_id
    GROUP BY endpoint.channel
)
SELECT channel,
    coalesce(sum(pending.deliveries), 0)::bigint,
    coalesce(max(dead.deliveries), 0),
    greatest(coalesce(extract(epoch FROM %(now)s - min(pending.oldest)), 0), 0)::float8,
    greatest(coalesce(extract(epoch FROM %(now)s - min(pending.first_due)), 0), 0)::float8
FROM unnest(%(channels)s::text[]) channel
LEFT JOIN pending USING (channel)
LEFT JOIN dead USING (channel)
GROUP BY channel
ORDER BY channel
