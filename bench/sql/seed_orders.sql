-- Insert orders as they are long after they were placed, from number `first` to `last`: confirmed,
-- of one line and one unit, with their movement and their event. Ids are laid out as the product
-- makes them (UUIDv8: milliseconds, the sale's number, and here the order's number for the random
-- bits), so that indexes grow where they would. The stock row is not moved.
-- Example: sale_id 7, client_id 1, allocation_id 12, epoch 1, first_ms 1700000000000, 1 to 100000.
WITH seed AS MATERIALIZED (
    SELECT
        n,
        %(first_ms)s + n AS ms,
        (
            lpad(to_hex(%(first_ms)s + n), 12, '0')
            || '8' || lpad(to_hex(%(sale_id)s >> 12), 3, '0')
            || to_hex(32768 | ((%(sale_id)s & 4095) << 2)) || lpad(to_hex(n), 12, '0')
        )::uuid AS id
    FROM generate_series(%(first)s::bigint, %(last)s::bigint) n
), placed AS (
    INSERT INTO orders_order (
        id, client_id, sale_id, request_key, request_fingerprint, http_request_id, customer, email,
        status, rejection, currency, total, metadata, accepted_at, epoch, position
    )
    SELECT
        id, %(client_id)s, %(sale_id)s, 'seed-' || n, decode(md5(n::text), 'hex'), '',
        'customer-' || n, '', 'confirmed', '', 'EUR', 25, '{}',
        timestamptz 'epoch' + ms * interval '1 millisecond', %(epoch)s, ms << 20
    FROM seed
), line AS (
    INSERT INTO orders_orderline (order_id, allocation_id, quantity, unit_price)
    SELECT id, %(allocation_id)s, 1, 25 FROM seed
), movement AS (
    INSERT INTO inventory_stockmovement (order_id, allocation_id, kind, held, sold)
    SELECT id, %(allocation_id)s, 'sell', 0, 1 FROM seed
)
INSERT INTO orders_orderevent (order_id, sequence, type)
SELECT id, 1, 'order.placed' FROM seed
