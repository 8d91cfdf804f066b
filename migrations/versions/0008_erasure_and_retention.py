"""Erasure of parts, legal holds, and dropping of months: each only with its notice."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("placed_by", sa.Uuid()),
        sa.Column("prediction_id", sa.Uuid()),
        sa.Column("subject", sa.Text()),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lifted_at", sa.DateTime(timezone=True)),
        sa.Column("lifted_by", sa.Uuid()),
        sa.CheckConstraint(
            "(prediction_id IS NULL) <> (subject IS NULL)", name=op.f("ck_legal_holds_one_of_two")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    op.create_index(
        "ix_predictions_subject_id",
        "predictions",
        ["subject", "id"],
        postgresql_where=sa.text("subject IS NOT NULL"),
    )
    op.create_index("ix_notices_record", "notices", [sa.text("(what ->> 'record_id')")])
    op.execute(ERASURE)
    op.execute(RETENTION)


def downgrade() -> None:
    op.execute(
        "DROP FUNCTION drop_predictions_partition(text);"
        "DROP FUNCTION erase_prediction(uuid);"
        "DROP TRIGGER predictions_are_erased_only ON predictions;"
        "DROP TRIGGER predictions_are_append_only ON predictions;"
        "CREATE TRIGGER predictions_are_append_only BEFORE UPDATE OR DELETE ON predictions"
        "    FOR EACH ROW EXECUTE FUNCTION refuse_change();"
        "DROP FUNCTION refuse_other_than_erasure();"
    )
    op.drop_index("ix_notices_record", "notices")
    op.drop_index("ix_predictions_subject_id", "predictions")
    op.drop_table("legal_holds")


# The service's role may not update records; the function does, with its owner's rights, and only what the
# trigger lets through: parts that are gone together with their salts, named by a notice of this record.
ERASURE = """
CREATE FUNCTION refuse_other_than_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parts text[] := ARRAY['inputs', 'output', 'reference', 'subject'];
    part text;
    old_row jsonb := to_jsonb(OLD);
    new_row jsonb := to_jsonb(NEW);
BEGIN
    FOREACH part IN ARRAY parts LOOP
        IF new_row -> part IS DISTINCT FROM 'null' OR new_row -> (part || '_salt') IS DISTINCT FROM 'null' THEN
            IF old_row -> part IS DISTINCT FROM new_row -> part
               OR old_row -> (part || '_salt') IS DISTINCT FROM new_row -> (part || '_salt') THEN
                RAISE EXCEPTION 'UPDATE on % is refused: a part may be erased, not changed', TG_TABLE_NAME
                    USING ERRCODE = 'restrict_violation';
            END IF;
        END IF;
        old_row := old_row - part - (part || '_salt');
        new_row := new_row - part - (part || '_salt');
    END LOOP;
    IF old_row <> new_row THEN
        RAISE EXCEPTION 'UPDATE on % is refused: its rows are never changed', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM notices WHERE kind = 'erasure' AND what ->> 'record_id' = OLD.id::text) THEN
        RAISE EXCEPTION 'UPDATE on % is refused: no notice says that the record is erased', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

DROP TRIGGER predictions_are_append_only ON predictions;
CREATE TRIGGER predictions_are_append_only
    BEFORE DELETE ON predictions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER predictions_are_erased_only
    BEFORE UPDATE ON predictions FOR EACH ROW EXECUTE FUNCTION refuse_other_than_erasure();

CREATE FUNCTION erase_prediction(identifier uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE public.predictions SET inputs = NULL, inputs_salt = NULL, output = NULL, output_salt = NULL,
        reference = NULL, reference_salt = NULL, subject = NULL, subject_salt = NULL
    WHERE id = identifier
$$;
REVOKE ALL ON FUNCTION erase_prediction(uuid) FROM PUBLIC;
"""

RETENTION = """
CREATE FUNCTION drop_predictions_partition(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF partition !~ '^predictions_[0-9]{4}_[0-9]{2}$' OR NOT EXISTS (
        SELECT FROM public.notices WHERE kind = 'retention' AND what ->> 'partition' = partition) THEN
        RAISE EXCEPTION '% is not dropped: no notice says so', partition USING ERRCODE = 'restrict_violation';
    END IF;
    EXECUTE format('ALTER TABLE public.predictions DETACH PARTITION public.%I', partition);
    EXECUTE format('DROP TABLE public.%I', partition);
END $$;
REVOKE ALL ON FUNCTION drop_predictions_partition(text) FROM PUBLIC;
"""
