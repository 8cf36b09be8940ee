"""The ledger is append-only: the database itself refuses to change or delete a movement."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_to_rewrite_the_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the stock ledger is append-only: correct a movement with another one'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER stock_movements_are_append_only
    BEFORE UPDATE OR DELETE ON inventory_stockmovement
    FOR EACH ROW EXECUTE FUNCTION refuse_to_rewrite_the_ledger();
"""

BACKWARD = """
DROP TRIGGER stock_movements_are_append_only ON inventory_stockmovement;
DROP FUNCTION refuse_to_rewrite_the_ledger();
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial")]
    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
