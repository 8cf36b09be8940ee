-- Since when the oldest payments that are not applied wait, among the first thousand: those of a sale
-- whose hold had ended, which need its counters (sale, epoch), and all others (null, null). Payments
-- for an order that is a dead letter are left out: a person decides about it.
SELECT sale.id, sale.epoch, min(notice.received_at)
FROM (
    SELECT order_id, received_at
    FROM orders_paymentnotice
    WHERE state = 'pending' AND type = 'succeeded'
    ORDER BY received_at
    LIMIT 1000
) notice
LEFT JOIN orders_order o ON o.id = notice.order_id
LEFT JOIN inventory_sale sale ON sale.id = o.sale_id AND o.status <> 'awaiting_payment'
WHERE NOT EXISTS (
    SELECT FROM orders_deadletter letter
    WHERE letter.order_id = notice.order_id AND letter.resolution = ''
)
GROUP BY sale.id
