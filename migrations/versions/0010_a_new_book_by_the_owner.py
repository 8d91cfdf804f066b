"""A new book is begun by the owner only, and receipts of what waits stay with it."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(NEW_BOOK)
    op.execute(TAKE_BACK)


def downgrade() -> None:
    op.execute("ALTER FUNCTION begin_new_book() SECURITY DEFINER")


# The loss comes first, the others in the order of their time. Records that were set aside stay aside. What
# a client was told of a record that is not sealed yet is still compared when it is.
NEW_BOOK = """
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
    SELECT recorded.kind, recorded.id, pg_temp.told.leaf_hash FROM (
        SELECT 'prediction' AS kind, id FROM public.predictions UNION ALL
        SELECT 'event', id FROM public.events UNION ALL SELECT n.kind, id FROM public.notices n
    ) AS recorded LEFT JOIN pg_temp.told ON told.id = recorded.id
    WHERE NOT EXISTS (SELECT FROM public.ledger_findings f WHERE f.record_id = recorded.id)
    ORDER BY recorded.kind <> 'loss', recorded.id;
END $$;
"""

TAKE_BACK = """
DO $$
BEGIN
    IF to_regrole('daybook_service') IS NOT NULL THEN
        REVOKE EXECUTE ON FUNCTION begin_new_book() FROM daybook_service;
    END IF;
END $$
"""
