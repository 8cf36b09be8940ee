-- The names under which a sale's orders give their stock back in Redis (16 bytes; a plus sign behind
-- them once they were taken again) that hold nothing in the ledger and whose release is not noted.
-- Only orders up to a position count.
SELECT uuid_send(id) || CASE WHEN gap_end IS NULL THEN '\x'::bytea ELSE '\x2b'::bytea END
FROM orders_order
WHERE sale_id = %(sale_id)s
    AND release_place IS NULL
    AND position <= %(position)s
    AND status IN ('cancelled', 'expired', 'rejected', 'refunded')
