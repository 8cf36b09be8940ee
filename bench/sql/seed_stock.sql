-- Give an allocation the units that seeded orders have bought, so that its row is still the sum of
-- its movements. Its free units stay what they are.
WITH more AS (
    UPDATE inventory_allocation
    SET allocated = allocated + %(orders)s, sold = sold + %(orders)s
    WHERE id = %(allocation_id)s
    RETURNING id
)
INSERT INTO inventory_stockmovement (allocation_id, kind, allocated)
SELECT id, 'allocate', %(orders)s FROM more
