-- Write what happened to orders, one array per column, and a delivery to each endpoint that wants to
-- be told: in one statement, so that no event is there without its deliveries. An endpoint that belongs
-- to a client is told of that client's orders alone. The caller holds the orders' rows. Returns how
-- many deliveries each channel has got.
WITH endpoint AS (
    SELECT id, channel, events, client_id FROM orders_endpoint WHERE active FOR KEY SHARE
), event AS (
    INSERT INTO orders_orderevent (order_id, sequence, type, refund_due)
    SELECT * FROM unnest(
        %(order_id)s::uuid[], %(sequence)s::int[], %(type)s::text[], %(refund_due)s::numeric[]
    )
    RETURNING id, order_id, sequence, type
), delivery AS (
    INSERT INTO orders_delivery (event_id, endpoint_id, order_id, sequence)
    SELECT event.id, endpoint.id, event.order_id, event.sequence
    FROM event
    JOIN endpoint ON endpoint.events = '{}' OR event.type = ANY(endpoint.events)
    JOIN orders_order o ON o.id = event.order_id
        AND (endpoint.client_id IS NULL OR endpoint.client_id = o.client_id)
    WHERE endpoint.channel = 'webhook'
        OR (endpoint.channel = 'email' AND o.email <> '')
        OR (endpoint.channel = 'sms' AND o.metadata ->> 'phone' <> '')
    ORDER BY event.id
    RETURNING endpoint_id
)
SELECT endpoint.channel, count(*)
FROM delivery JOIN endpoint ON endpoint.id = delivery.endpoint_id
GROUP BY endpoint.channel
