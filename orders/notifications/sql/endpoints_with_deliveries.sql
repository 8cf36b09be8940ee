-- Find the endpoints of a channel that something is due for and that nobody is at work on here, those
-- that have waited longest first.
SELECT endpoint.id
FROM orders_endpoint endpoint
LEFT JOIN orders_apiclient client ON client.id = endpoint.client_id
CROSS JOIN LATERAL (
    SELECT d.due_at
    FROM orders_delivery d
    WHERE d.endpoint_id = endpoint.id AND d.state = 'pending' AND d.due_at <= now()
    ORDER BY d.due_at
    LIMIT 1
) longest
WHERE endpoint.channel = %(channel)s
    AND endpoint.active
    AND client.active IS NOT FALSE
    AND (endpoint.resume_at IS NULL OR endpoint.resume_at <= now())
    AND endpoint.id <> ALL(%(leave_out)s::bigint[])
ORDER BY longest.due_at
LIMIT %(limit)s
