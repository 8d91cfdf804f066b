"""Reviews: what people think of answers, append-only, leaves of the book; and queues of what is to be reviewed."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("token_id", sa.Uuid()),
        sa.Column("queue_id", sa.Uuid()),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("adjudicates", sa.Boolean(), nullable=False),
        sa.Column("correction", sa.JSON()),
        sa.Column("correction_salt", sa.LargeBinary()),
        sa.Column("correction_commitment", sa.LargeBinary()),
        sa.Column("reason", sa.Text()),
        sa.Column("reason_salt", sa.LargeBinary()),
        sa.Column("reason_commitment", sa.LargeBinary()),
        sa.Column("note", sa.Text()),
        sa.Column("note_salt", sa.LargeBinary()),
        sa.Column("note_commitment", sa.LargeBinary()),
        sa.CheckConstraint(
            "verdict IN ('agree', 'disagree', 'unsure')", name=op.f("ck_reviews_verdict")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint(
            "queue_id", "prediction_id", "actor_id", "adjudicates",
            name=op.f("uq_reviews_queue_id_prediction_id_actor_id_adjudicates"),
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_reviews_prediction_id_id"), "reviews", ["prediction_id", "id"])
    op.create_table(
        "review_queues",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("field", sa.Text()),
        sa.Column("threshold", sa.Float()),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("people IN (1, 2)", name=op.f("ck_review_queues_people")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.id"], name=op.f("fk_review_queues_created_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_review_queues_model_id_models")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_queues")),
        sa.UniqueConstraint("name", name=op.f("uq_review_queues_name")),
    )
    op.create_table(
        "review_items",
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("claimed_by", sa.Uuid()),
        sa.Column("claimed_at", sa.DateTime(timezone=True)),
        sa.ForeignKeyConstraint(
            ["queue_id"], ["review_queues.id"], name=op.f("fk_review_items_queue_id_review_queues")
        ),
        sa.PrimaryKeyConstraint("queue_id", "prediction_id", name=op.f("pk_review_items")),
    )
    op.create_index(op.f("ix_review_items_prediction_id"), "review_items", ["prediction_id"])
    op.create_table(
        "review_assignments",
        sa.Column("queue_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["queue_id"],
            ["review_queues.id"],
            name=op.f("fk_review_assignments_queue_id_review_queues"),
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_review_assignments_user_id_users")
        ),
        sa.PrimaryKeyConstraint("queue_id", "user_id", name=op.f("pk_review_assignments")),
    )
    op.execute(PROTECTION)
    op.execute(RETENTION)
    op.execute(RECORDS)


def downgrade() -> None:
    op.execute(REFUSE_TO_FORGET)
    op.execute(RECORDS_BEFORE)
    op.execute(RETENTION_BEFORE)
    op.execute("DROP FUNCTION erase_review(uuid)")
    for table in ("review_assignments", "review_items", "review_queues", "reviews"):
        op.drop_table(table)


REFUSE_TO_FORGET = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM reviews) THEN
        RAISE EXCEPTION 'reviews would be lost that are in the book: nothing is downgraded';
    END IF;
END $$
"""

PROTECTION = """
CREATE TRIGGER reviews_are_erased_only BEFORE UPDATE ON reviews FOR EACH ROW
    EXECUTE FUNCTION refuse_other_than_erasure('correction', 'reason', 'note');
CREATE TRIGGER reviews_are_dropped_only
    BEFORE DELETE ON reviews FOR EACH ROW EXECUTE FUNCTION refuse_other_than_retention();
CREATE TRIGGER reviews_are_not_truncated
    BEFORE TRUNCATE ON reviews FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER reviews_wait_to_be_sealed
    AFTER INSERT ON reviews FOR EACH ROW EXECUTE FUNCTION wait_to_be_sealed_as('review');

CREATE FUNCTION erase_review(identifier uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
    UPDATE public.reviews SET correction = NULL, correction_salt = NULL, reason = NULL, reason_salt = NULL,
        note = NULL, note_salt = NULL
    WHERE id = identifier
$$;
REVOKE ALL ON FUNCTION erase_review(uuid) FROM PUBLIC;
"""

_DROP_PARTITION = """
CREATE OR REPLACE FUNCTION drop_predictions_partition(partition text) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    month timestamp := to_date(substring(partition FROM '^predictions_([0-9]{{4}}_(0[1-9]|1[0-2]))$'), 'YYYY_MM');
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
    {delete}
END $$;
"""
_DELETE = "DELETE FROM public.{table} o WHERE o.prediction_id >= first AND o.prediction_id < until;"
RETENTION = _DROP_PARTITION.format(
    delete="\n    ".join(_DELETE.format(table=t) for t in ("outcomes", "reviews", "review_items"))
)
RETENTION_BEFORE = _DROP_PARTITION.format(delete=_DELETE.format(table="outcomes"))

_RECORDS = """
CREATE OR REPLACE VIEW book_records AS
    SELECT 'prediction' AS kind, id FROM predictions UNION ALL SELECT 'outcome', id FROM outcomes UNION ALL
    {more}SELECT 'event', id FROM events UNION ALL SELECT n.kind, n.id FROM notices n
"""
RECORDS = _RECORDS.format(more="SELECT 'review', id FROM reviews UNION ALL ")
RECORDS_BEFORE = _RECORDS.format(more="")
