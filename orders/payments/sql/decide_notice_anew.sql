-- Decide a notice whose order was not known at first, now that the order is and its message has come
-- again. It counts from when it came again, or from now where its order has released its units since,
-- as in insert_notices.sql.
UPDATE orders_paymentnotice n
SET state = %(state)s, detail = %(detail)s,
    received_at = CASE
        WHEN EXISTS (
            SELECT FROM orders_order o
            WHERE o.id = n.order_id AND o.hold_expires_at >= %(received_at)s AND (
                o.status = 'expired' OR o.status = 'cancelled' AND o.let_go_at >= %(received_at)s
            )
        )
        THEN %(now)s
        ELSE %(received_at)s
    END
WHERE n.provider = %(provider)s AND n.notice_id = %(notice_id)s AND n.state = 'unmatched'
