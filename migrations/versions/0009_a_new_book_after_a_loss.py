"""A new book after a loss: the old tree is put away, and everything waits to be sealed again."""

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.execute(NEW_BOOK)


def downgrade() -> None:
    op.execute("DROP FUNCTION begin_new_book()")


# Records that were set aside stay aside. The loss comes first, the others in the order of their time.
NEW_BOOK = """
CREATE FUNCTION begin_new_book() RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM public.notices n JOIN public.ledger_head h
            ON n.what ->> 'origin' = h.origin AND n.what ->> 'root' = encode(h.root, 'hex')
        WHERE n.kind = 'loss') THEN
        RAISE EXCEPTION 'no new book: no notice says that this one is lost' USING ERRCODE = 'restrict_violation';
    END IF;
    ALTER TABLE public.ledger_entries DISABLE TRIGGER USER;
    ALTER TABLE public.ledger_tiles DISABLE TRIGGER USER;
    ALTER TABLE public.ledger_checkpoints DISABLE TRIGGER USER;
    TRUNCATE public.ledger_entries, public.ledger_tiles, public.ledger_checkpoints,
             public.ledger_pending, public.ledger_publications;
    ALTER TABLE public.ledger_entries ENABLE TRIGGER USER;
    ALTER TABLE public.ledger_tiles ENABLE TRIGGER USER;
    ALTER TABLE public.ledger_checkpoints ENABLE TRIGGER USER;
    UPDATE public.ledger_head SET origin = NULL, key = NULL, size = 0, root = sha256('');
    INSERT INTO public.ledger_pending (kind, id)
    SELECT kind, id FROM (
        SELECT 'prediction' AS kind, id FROM public.predictions UNION ALL
        SELECT 'event', id FROM public.events UNION ALL SELECT n.kind, id FROM public.notices n
    ) AS recorded
    WHERE NOT EXISTS (SELECT FROM public.ledger_findings f WHERE f.record_id = recorded.id)
    ORDER BY kind <> 'loss', id;
END $$;
REVOKE ALL ON FUNCTION begin_new_book() FROM PUBLIC;
"""
