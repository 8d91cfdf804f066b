"""What a client calls its request (X-Request-Id), beside the record: it is no fact of it, and not sealed."""

from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.execute("ALTER TABLE predictions ADD COLUMN client_request_id text")
    op.execute(
        "CREATE INDEX ix_predictions_client_request_id_id"
        " ON predictions (client_request_id text_pattern_ops, id) WHERE client_request_id IS NOT NULL"
    )
    op.execute(recording("client_request_id text,", "client_request_id,"))


def downgrade() -> None:
    op.execute(recording("", ""))
    op.execute("ALTER TABLE predictions DROP COLUMN client_request_id")


def recording(declared: str, named: str) -> str:
    """Return the function of migration 0006, with a further column of the request."""
    return f"""
CREATE OR REPLACE FUNCTION record_predictions(callers json, requests json, records json, keys json)
    RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE refused int[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7233173838382854003);
    refused := callers_without_authority(callers);
    WITH given AS MATERIALIZED (
        SELECT * FROM json_to_recordset(requests) AS q(
            request int, caller int, request_id uuid, received_at timestamptz, actor_id uuid,
            token_id uuid, channel text, model_id uuid, model text, model_version int, {declared}
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
            model_version, artifact_sha256, environment_sha256, status, {named}
            inputs, inputs_salt, inputs_commitment, output, output_salt, output_commitment,
            reference, reference_salt, reference_commitment,
            subject, subject_salt, subject_commitment)
        SELECT
            id, request_id, row, received_at, answered_at, actor_id, token_id, channel, model_id, model,
            model_version, artifact_sha256, environment_sha256, status, {named}
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
