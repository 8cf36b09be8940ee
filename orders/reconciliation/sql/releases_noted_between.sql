-- What the ledger has noted of the releases that Redis made of a sale above `since` and up to
-- `until`: how many places of that sequence (releases of orders, in their first and their second
-- life, retakings, releases of dead letters).
SELECT
    (SELECT count(*) FROM orders_order
        WHERE sale_id = %(sale_id)s
            AND release_place > %(since)s AND release_place <= %(until)s)
    + (SELECT count(*) FROM orders_order
        WHERE sale_id = %(sale_id)s AND gap_start > %(since)s AND gap_start <= %(until)s)
    + (SELECT count(*) FROM orders_order
        WHERE sale_id = %(sale_id)s AND gap_end > %(since)s AND gap_end <= %(until)s)
    + (SELECT count(*) FROM orders_deadletter
        WHERE sale_id = %(sale_id)s
            AND release_place > %(since)s AND release_place <= %(until)s)
