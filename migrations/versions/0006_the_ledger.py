"""The ledger: what waits to be sealed, entries, tiles, checkpoints, findings; notices about the book itself."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Uuid()),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.Column("basis", sa.Text()),
        sa.Column("basis_salt", sa.LargeBinary()),
        sa.Column("basis_commitment", sa.LargeBinary()),
        sa.CheckConstraint(
            "kind IN ('erasure', 'retention', 'key_change', 'loss')", name=op.f("ck_notices_kind")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_table(
        "ledger_pending",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary()),
    )
    op.create_table(
        "ledger_entries",
        sa.Column("index", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("envelope", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("index", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("record_id", name=op.f("uq_ledger_entries_record_id")),
    )
    op.create_table(
        "ledger_tiles",
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("level", "number", name=op.f("pk_ledger_tiles")),
    )
    op.create_table(
        "ledger_checkpoints",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_ledger_checkpoints")),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text()),
        sa.Column("key", sa.Text()),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_ledger_head_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "ledger_findings",
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column(
            "found_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("record_id", name=op.f("pk_ledger_findings")),
    )
    op.create_table(
        "ledger_publications",
        sa.Column("sink", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger()),
        sa.Column("published_at", sa.DateTime(timezone=True)),
        sa.Column("error", sa.Text()),
        sa.Column("failed_at", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("sink", name=op.f("pk_ledger_publications")),
    )
    op.execute(STORAGE)
    op.execute(APPEND_ONLY)
    op.execute(QUEUE)
    op.execute(RECORDING)


def downgrade() -> None:
    op.execute(REFUSE_TO_FORGET)
    op.execute("DROP FUNCTION record_predictions(json, json, json, json)")
    op.execute(RECORDING_BEFORE)
    op.execute("DROP TRIGGER events_wait_to_be_sealed ON events")
    for table in (
        "ledger_publications", "ledger_findings", "ledger_head", "ledger_checkpoints", "ledger_tiles",
        "ledger_entries", "ledger_pending", "notices",
    ):  # fmt: skip
        op.drop_table(table)
    op.execute("DROP FUNCTION wait_to_be_sealed()")
    op.execute("DROP FUNCTION refuse_other_tiles()")


REFUSE_TO_FORGET = """
DO $$
BEGIN
    IF (SELECT size FROM ledger_head) > 0 THEN
        RAISE EXCEPTION 'the book would be lost, and what was published of it contradicted: nothing is downgraded';
    END IF;
END $$
"""

# Every record passes through the pending table, so it is vacuumed often. Hashes cannot be compressed.
STORAGE = """
ALTER TABLE ledger_pending SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_threshold = -1, autovacuum_vacuum_cost_delay = 0);
ALTER TABLE ledger_tiles ALTER COLUMN hashes SET STORAGE EXTERNAL;
INSERT INTO ledger_head (id, size, root) VALUES (1, 0, sha256(''));
"""

APPEND_ONLY = """
CREATE FUNCTION refuse_other_tiles() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'UPDATE' OR (NEW.level, NEW.number) <> (OLD.level, OLD.number)
       OR substr(NEW.hashes, 1, length(OLD.hashes)) <> OLD.hashes THEN
        RAISE EXCEPTION '% on % is refused: tiles only grow', TG_OP, TG_TABLE_NAME
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER ledger_tiles_only_grow
    BEFORE UPDATE OR DELETE ON ledger_tiles FOR EACH ROW EXECUTE FUNCTION refuse_other_tiles();
CREATE TRIGGER ledger_tiles_are_not_truncated
    BEFORE TRUNCATE ON ledger_tiles FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_are_append_only
    BEFORE UPDATE OR DELETE ON ledger_entries FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_entries_are_not_truncated
    BEFORE TRUNCATE ON ledger_entries FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_checkpoints_are_append_only
    BEFORE UPDATE OR DELETE ON ledger_checkpoints FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_checkpoints_are_not_truncated
    BEFORE TRUNCATE ON ledger_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_findings_are_append_only
    BEFORE UPDATE OR DELETE ON ledger_findings FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_findings_are_not_truncated
    BEFORE TRUNCATE ON ledger_findings FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER notices_are_append_only
    BEFORE UPDATE OR DELETE ON notices FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER notices_are_not_truncated
    BEFORE TRUNCATE ON notices FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_head_stays
    BEFORE DELETE ON ledger_head FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER ledger_head_is_not_truncated
    BEFORE TRUNCATE ON ledger_head FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""

# What was recorded before there was a ledger waits first. The lock: what is being recorded has ended.
QUEUE = """
LOCK TABLE predictions, events IN SHARE ROW EXCLUSIVE MODE;

CREATE FUNCTION wait_to_be_sealed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_pending (kind, id)
    VALUES (CASE TG_TABLE_NAME WHEN 'events' THEN 'event' ELSE to_jsonb(NEW)->>'kind' END, NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER events_wait_to_be_sealed
    AFTER INSERT ON events FOR EACH ROW EXECUTE FUNCTION wait_to_be_sealed();
CREATE TRIGGER notices_wait_to_be_sealed
    AFTER INSERT ON notices FOR EACH ROW EXECUTE FUNCTION wait_to_be_sealed();

INSERT INTO ledger_pending (kind, id)
SELECT kind, id FROM (
    SELECT 'prediction' AS kind, id FROM predictions UNION ALL SELECT 'event', id FROM events
) AS recorded ORDER BY id;
"""

# As before, and what is recorded waits to be sealed, with the leaf hash that its client is told.
RECORDING = """
CREATE OR REPLACE FUNCTION record_predictions(callers json, requests json, records json, keys json)
    RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE refused int[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7233173838382854003);
    refused := callers_without_authority(callers);
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset(requests) AS q(
            request int, caller int, request_id uuid, received_at timestamptz, actor_id uuid,
            token_id uuid, channel text, model_id uuid, model text, model_version int,
            artifact_sha256 bytea, environment_sha256 bytea, status text)
        JOIN json_to_recordset(records) AS r(
            request int, id uuid, row int, answered_at timestamptz, leaf_hash bytea,
            inputs json, inputs_salt bytea, inputs_commitment bytea,
            output json, output_salt bytea, output_commitment bytea,
            reference text, reference_salt bytea, reference_commitment bytea,
            subject text, subject_salt bytea, subject_commitment bytea) USING (request)
        WHERE q.caller <> ALL(refused)
    ), made AS (
        INSERT INTO predictions (
            id, request_id, row, received_at, answered_at, actor_id, token_id, channel, model_id, model,
            model_version, artifact_sha256, environment_sha256, status,
            inputs, inputs_salt, inputs_commitment, output, output_salt, output_commitment,
            reference, reference_salt, reference_commitment,
            subject, subject_salt, subject_commitment)
        SELECT
            id, request_id, row, received_at, answered_at, actor_id, token_id, channel, model_id, model,
            model_version, artifact_sha256, environment_sha256, status,
            inputs, inputs_salt, inputs_commitment, output, output_salt, output_commitment,
            reference, reference_salt, reference_commitment,
            subject, subject_salt, subject_commitment
        FROM given
    )
    INSERT INTO ledger_pending (kind, id, leaf_hash) SELECT 'prediction', id, leaf_hash FROM given;
    IF keys IS NOT NULL THEN
        INSERT INTO idempotency_keys (actor_id, key_sha256, fingerprint, request_id)
        SELECT k.actor_id, k.key_sha256, k.fingerprint, k.request_id
        FROM json_to_recordset(keys) AS k(
            caller int, actor_id uuid, key_sha256 bytea, fingerprint bytea, request_id uuid)
        WHERE k.caller <> ALL(refused);
    END IF;
    RETURN refused;
END $$;
"""

RECORDING_BEFORE = """
CREATE FUNCTION record_predictions(callers json, requests json, records json, keys json)
    RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE refused int[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7233173838382854003);
    refused := callers_without_authority(callers);
    INSERT INTO predictions (
        id, request_id, row, received_at, answered_at, actor_id, token_id, channel, model_id, model,
        model_version, artifact_sha256, environment_sha256, status,
        inputs, inputs_salt, inputs_commitment, output, output_salt, output_commitment,
        reference, reference_salt, reference_commitment, subject, subject_salt, subject_commitment)
    SELECT
        r.id, q.request_id, r.row, q.received_at, r.answered_at, q.actor_id, q.token_id, q.channel,
        q.model_id, q.model, q.model_version, q.artifact_sha256, q.environment_sha256, q.status,
        r.inputs, r.inputs_salt, r.inputs_commitment, r.output, r.output_salt, r.output_commitment,
        r.reference, r.reference_salt, r.reference_commitment,
        r.subject, r.subject_salt, r.subject_commitment
    FROM json_to_recordset(requests) AS q(
        request int, caller int, request_id uuid, received_at timestamptz, actor_id uuid, token_id uuid,
        channel text, model_id uuid, model text, model_version int, artifact_sha256 bytea,
        environment_sha256 bytea, status text)
    JOIN json_to_recordset(records) AS r(
        request int, id uuid, row int, answered_at timestamptz,
        inputs json, inputs_salt bytea, inputs_commitment bytea,
        output json, output_salt bytea, output_commitment bytea,
        reference text, reference_salt bytea, reference_commitment bytea,
        subject text, subject_salt bytea, subject_commitment bytea) USING (request)
    WHERE q.caller <> ALL(refused);
    IF keys IS NOT NULL THEN
        INSERT INTO idempotency_keys (actor_id, key_sha256, fingerprint, request_id)
        SELECT k.actor_id, k.key_sha256, k.fingerprint, k.request_id
        FROM json_to_recordset(keys) AS k(
            caller int, actor_id uuid, key_sha256 bytea, fingerprint bytea, request_id uuid)
        WHERE k.caller <> ALL(refused);
    END IF;
    RETURN refused;
END $$;
"""
