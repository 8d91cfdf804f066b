"""Predictions, partitioned by month on their identifier, and events: append-only."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "predictions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("token_id", sa.Uuid()),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("model_id", sa.Uuid()),
        sa.Column("model", sa.Text()),
        sa.Column("model_version", sa.Integer()),
        sa.Column("artifact_sha256", sa.LargeBinary()),
        sa.Column("environment_sha256", sa.LargeBinary()),
        sa.Column("status", sa.Text(), nullable=False),
        *_part("inputs", postgresql.JSON()),
        *_part("output", postgresql.JSON()),
        *_part("reference", sa.Text()),
        *_part("subject", sa.Text()),
        sa.CheckConstraint(
            "status IN ('accepted', 'refused', 'failed')", name=op.f("ck_predictions_status")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_predictions")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index("ix_predictions_model_id_id", "predictions", ["model_id", "id"])
    op.create_index("ix_predictions_actor_id_id", "predictions", ["actor_id", "id"])
    op.create_index("ix_predictions_request_id", "predictions", ["request_id"])
    op.create_index(
        "ix_predictions_unanswered",
        "predictions",
        ["id"],
        postgresql_where=sa.text("status <> 'accepted'"),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("subject_id", sa.Uuid()),
        *_part("details", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_table(
        "prediction_counts",
        sa.Column("start", sa.DateTime(timezone=True), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("start", "model_id", "status", name=op.f("pk_prediction_counts")),
    )
    op.create_table(
        "counted_until",
        sa.Column("moment", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("moment", name=op.f("pk_counted_until")),
    )
    op.execute(APPEND_ONLY)
    op.execute(PARTITIONS)


def _part(name: str, kind: sa.types.TypeEngine) -> list[sa.Column]:
    return [
        sa.Column(name, kind),
        sa.Column(f"{name}_salt", sa.LargeBinary()),
        sa.Column(f"{name}_commitment", sa.LargeBinary()),
    ]


# Row triggers of a partitioned table are cloned to its partitions; TRUNCATE has statement triggers only.
APPEND_ONLY = """
CREATE TRIGGER predictions_are_append_only
    BEFORE UPDATE OR DELETE ON predictions FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER predictions_are_not_truncated
    BEFORE TRUNCATE ON predictions FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_append_only
    BEFORE UPDATE OR DELETE ON events FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER events_are_not_truncated
    BEFORE TRUNCATE ON events FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# CREATE TABLE … PARTITION OF would lock out every reader and writer; ATTACH does not. The function
# runs with its owner's rights, for the service's role makes no tables.
PARTITIONS = """
CREATE FUNCTION first_uuid_at(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT (lpad(to_hex(floor(extract(epoch FROM moment) * 1000)::bigint), 12, '0')
            || repeat('0', 20))::uuid
$$;

CREATE FUNCTION ensure_predictions_partition(moment timestamptz) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
DECLARE
    first timestamptz := date_trunc('month', moment, 'UTC');
    next timestamptz := date_trunc('month', first + interval '32 days', 'UTC');
    name text := 'predictions_' || to_char(first AT TIME ZONE 'UTC', 'YYYY_MM');
BEGIN
    IF to_regclass('public.' || name) IS NOT NULL THEN
        RETURN;
    END IF;
    -- The lock that ATTACH takes as well. Look again under it, in the catalogue: to_regclass would
    -- answer from a cache that does not know yet what another transaction has just made.
    LOCK TABLE public.predictions IN SHARE UPDATE EXCLUSIVE MODE;
    IF EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'public'::regnamespace) THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE public.%I (LIKE public.predictions INCLUDING ALL)', name);
    EXECUTE format('ALTER TABLE public.predictions ATTACH PARTITION public.%I FOR VALUES FROM (%L) TO (%L)',
                   name, public.first_uuid_at(first), public.first_uuid_at(next));
    EXECUTE format('CREATE TRIGGER predictions_are_not_truncated BEFORE TRUNCATE ON public.%I
                    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_change()', name);
END $$;

REVOKE ALL ON FUNCTION ensure_predictions_partition(timestamptz) FROM PUBLIC;
SELECT ensure_predictions_partition(now());
"""


def downgrade() -> None:
    op.drop_table("counted_until")
    op.drop_table("prediction_counts")
    op.drop_table("events")
    op.drop_table("predictions")
    op.execute("DROP FUNCTION ensure_predictions_partition(timestamptz)")
    op.execute("DROP FUNCTION first_uuid_at(timestamptz)")
