"""Check references between hot tables once per batch, not by a trigger for each row: adr/0015.

Who inserts has locked what the rows name. Who deletes that is refused here, as by a foreign key.
"""

import django.db.models.deletion
from django.db import migrations, models

FORWARD = """
CREATE FUNCTION refuse_to_orphan() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named bool;
BEGIN
    EXECUTE format('SELECT EXISTS (SELECT FROM %I WHERE %I = $1)', TG_ARGV[0], TG_ARGV[1])
        INTO named USING OLD.id;
    IF named THEN
        RAISE EXCEPTION '% % is named in %', TG_TABLE_NAME, OLD.id, TG_ARGV[0]
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER allocation_is_named_by_movements
    AFTER DELETE OR UPDATE OF id ON inventory_allocation
    FOR EACH ROW EXECUTE FUNCTION refuse_to_orphan('inventory_stockmovement', 'allocation_id');
"""

BACKWARD = """
DROP TRIGGER allocation_is_named_by_movements ON inventory_allocation;
DROP FUNCTION refuse_to_orphan();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0003_corrections"),
    ]
    operations = [
        migrations.AlterField(
            model_name="stockmovement",
            name="allocation",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="movements",
                to="inventory.allocation",
            ),
        ),
        migrations.RunSQL(FORWARD, BACKWARD),
    ]
