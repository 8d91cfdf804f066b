"""Outcomes: what turned out to be true, append-only, leaves of the book, erased and dropped with their predictions."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "outcomes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("token_id", sa.Uuid()),
        sa.Column("value", sa.JSON()),
        sa.Column("value_salt", sa.LargeBinary()),
        sa.Column("value_commitment", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
    )
    op.create_index(op.f("ix_outcomes_prediction_id_id"), "outcomes", ["prediction_id", "id"])
    op.execute(ERASURE)
    op.execute(PROTECTION)
    op.execute(_DROP_PARTITION)
    op.execute(RECORDS)
    op.execute(NEW_BOOK)


def downgrade() -> None:
    op.execute(REFUSE_TO_FORGET)
    op.execute(NEW_BOOK_BEFORE)
    op.execute("DROP VIEW book_records")
    op.execute(_DROP_PARTITION_BEFORE)
    op.execute("DROP FUNCTION erase_outcome(uuid)")
    op.drop_table("outcomes")
    op.execute(
        "DROP FUNCTION refuse_other_than_retention();"
        "DROP FUNCTION wait_to_be_sealed_as();"
        "DROP TRIGGER predictions_are_erased_only ON predictions;"
        "CREATE TRIGGER predictions_are_erased_only"
        "    BEFORE UPDATE ON predictions FOR EACH ROW EXECUTE FUNCTION refuse_other_than_erasure();"
    )
    op.execute(ERASURE_BEFORE)


REFUSE_TO_FORGET = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM outcomes) THEN
        RAISE EXCEPTION 'outcomes would be lost that are in the book: nothing is downgraded';
    END IF;
END $$
"""

_REFUSE_OTHER_THAN_ERASURE = """
CREATE OR REPLACE FUNCTION refuse_other_than_erasure() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    parts text[] := {parts};
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
{belongings}    RETURN NEW;
END $$;
"""
# What belongs to a prediction is erased with it, and not alone.
_BELONGINGS = """
    IF to_jsonb(OLD) ? 'prediction_id' AND NOT EXISTS (
        SELECT FROM notices WHERE kind = 'erasure' AND what ->> 'record_id' = to_jsonb(OLD) ->> 'prediction_id') THEN
        RAISE EXCEPTION 'UPDATE on % is refused: it is erased with its prediction, and not alone', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
"""

# The trigger is told which parts its table has: predictions are not the only records with some.
ERASURE = (
    _REFUSE_OTHER_THAN_ERASURE.format(parts="TG_ARGV", belongings=_BELONGINGS)
    + """
DROP TRIGGER predictions_are_erased_only ON predictions;
CREATE TRIGGER predictions_are_erased_only BEFORE UPDATE ON predictions FOR EACH ROW
    EXECUTE FUNCTION refuse_other_than_erasure('inputs', 'output', 'reference', 'subject');
CREATE TRIGGER outcomes_are_erased_only BEFORE UPDATE ON outcomes FOR EACH ROW
    EXECUTE FUNCTION refuse_other_than_erasure('value');

CREATE FUNCTION erase_outcome(identifier uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE public.outcomes SET value = NULL, value_salt = NULL WHERE id = identifier
$$;
REVOKE ALL ON FUNCTION erase_outcome(uuid) FROM PUBLIC;
"""
)

ERASURE_BEFORE = _REFUSE_OTHER_THAN_ERASURE.format(
    parts="ARRAY['inputs', 'output', 'reference', 'subject']", belongings=""
)

# What belongs to a prediction goes when its month goes, and not before.
PROTECTION = """
CREATE FUNCTION refuse_other_than_retention() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM notices WHERE kind = 'retention'
            AND what ->> 'from' <= OLD.prediction_id::text AND what ->> 'until' > OLD.prediction_id::text) THEN
        RAISE EXCEPTION 'DELETE on % is refused: no notice says that the month was dropped', TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;

CREATE FUNCTION wait_to_be_sealed_as() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_pending (kind, id) VALUES (TG_ARGV[0], NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER outcomes_are_dropped_only
    BEFORE DELETE ON outcomes FOR EACH ROW EXECUTE FUNCTION refuse_other_than_retention();
CREATE TRIGGER outcomes_are_not_truncated
    BEFORE TRUNCATE ON outcomes FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER outcomes_wait_to_be_sealed
    AFTER INSERT ON outcomes FOR EACH ROW EXECUTE FUNCTION wait_to_be_sealed_as('outcome');
"""

# Which identifiers a month has follows from its name, whatever the notice says; and it must say just that.
_DROP_PARTITION = """
CREATE OR REPLACE FUNCTION drop_predictions_partition(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    month timestamp := to_date(substring(partition FROM '^predictions_([0-9]{4}_(0[1-9]|1[0-2]))$'), 'YYYY_MM');
    first uuid := public.first_uuid_at(month AT TIME ZONE 'UTC');
    until uuid := public.first_uuid_at((month + interval '1 month') AT TIME ZONE 'UTC');
BEGIN
    IF month IS NULL OR NOT EXISTS (
        SELECT FROM public.notices WHERE kind = 'retention' AND what ->> 'partition' = partition
            AND what ->> 'from' = first::text AND what ->> 'until' = until::text) THEN
        RAISE EXCEPTION '% is not dropped: no notice says so', partition USING ERRCODE = 'restrict_violation';
    END IF;
    EXECUTE format('ALTER TABLE public.predictions DETACH PARTITION public.%I', partition);
    EXECUTE format('DROP TABLE public.%I', partition);
    DELETE FROM public.outcomes o WHERE o.prediction_id >= first AND o.prediction_id < until;
END $$;
"""
_DROP_PARTITION_BEFORE = """
CREATE OR REPLACE FUNCTION drop_predictions_partition(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF partition !~ '^predictions_[0-9]{4}_[0-9]{2}$' OR NOT EXISTS (
        SELECT FROM public.notices WHERE kind = 'retention' AND what ->> 'partition' = partition) THEN
        RAISE EXCEPTION '% is not dropped: no notice says so', partition USING ERRCODE = 'restrict_violation';
    END IF;
    EXECUTE format('ALTER TABLE public.predictions DETACH PARTITION public.%I', partition);
    EXECUTE format('DROP TABLE public.%I', partition);
END $$;
"""

_NEW_BOOK = """
CREATE OR REPLACE FUNCTION begin_new_book() RETURNS void
LANGUAGE plpgsql SECURITY INVOKER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.notices n JOIN public.ledger_head h
            ON n.what ->> 'origin' = h.origin AND n.what ->> 'root' = encode(h.root, 'hex')
        WHERE n.kind = 'loss') THEN
        RAISE EXCEPTION 'no new book: no notice says that this one is lost' USING ERRCODE = 'restrict_violation';
    END IF;
    LOCK TABLE public.ledger_pending IN ACCESS EXCLUSIVE MODE;
    CREATE TEMP TABLE told ON COMMIT DROP AS
        SELECT id, leaf_hash FROM public.ledger_pending WHERE leaf_hash IS NOT NULL;
    ALTER TABLE public.ledger_entries DISABLE TRIGGER USER;
    ALTER TABLE public.ledger_tiles DISABLE TRIGGER USER;
    ALTER TABLE public.ledger_checkpoints DISABLE TRIGGER USER;
    TRUNCATE public.ledger_entries, public.ledger_tiles, public.ledger_checkpoints,
             public.ledger_pending, public.ledger_publications;
    ALTER TABLE public.ledger_entries ENABLE TRIGGER USER;
    ALTER TABLE public.ledger_tiles ENABLE TRIGGER USER;
    ALTER TABLE public.ledger_checkpoints ENABLE TRIGGER USER;
    UPDATE public.ledger_head SET origin = NULL, key = NULL, size = 0, root = sha256('');
    INSERT INTO public.ledger_pending (kind, id, leaf_hash)
    SELECT recorded.kind, recorded.id, pg_temp.told.leaf_hash FROM {records} AS recorded LEFT JOIN pg_temp.told ON told.id = recorded.id
    WHERE NOT EXISTS (SELECT FROM public.ledger_findings f WHERE f.record_id = recorded.id)
    ORDER BY recorded.kind <> 'loss', recorded.id;
END $$;
"""
#: All records that are leaves, or will be.
RECORDS = """
CREATE VIEW book_records AS
    SELECT 'prediction' AS kind, id FROM predictions UNION ALL SELECT 'outcome', id FROM outcomes UNION ALL
    SELECT 'event', id FROM events UNION ALL SELECT n.kind, n.id FROM notices n
"""
NEW_BOOK = _NEW_BOOK.format(records="public.book_records")
NEW_BOOK_BEFORE = _NEW_BOOK.format(
    records="""(
        SELECT 'prediction' AS kind, id FROM public.predictions UNION ALL
        SELECT 'event', id FROM public.events UNION ALL SELECT n.kind, id FROM public.notices n
    )"""
)
