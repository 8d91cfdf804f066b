"""A batch is given as rows of a type: PostgreSQL reads them in less time than JSON, and joins nothing.

The function that takes JSON documents stays for the release before; a later migration drops it.
"""

from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.execute(ROW)
    op.execute(RECORDING)


def downgrade() -> None:
    op.execute("DROP FUNCTION record_predictions(json, prediction_to_record[], json)")
    op.execute("DROP TYPE prediction_to_record")


COLUMNS = """
    id, row, answered_at,
    inputs, inputs_salt, inputs_commitment, output, output_salt, output_commitment,
    reference, reference_salt, reference_commitment, subject, subject_salt, subject_commitment,
    request_id, received_at, actor_id, token_id, client_request_id, channel,
    model_id, model, model_version, artifact_sha256, environment_sha256, status
"""

# What differs between the rows of a request comes first, what they have in common last.
ROW = """
CREATE TYPE prediction_to_record AS (
    id uuid, row int, answered_at timestamptz, leaf_hash bytea,
    inputs json, inputs_salt bytea, inputs_commitment bytea,
    output json, output_salt bytea, output_commitment bytea,
    reference text, reference_salt bytea, reference_commitment bytea,
    subject text, subject_salt bytea, subject_commitment bytea,
    caller int, request_id uuid, received_at timestamptz, actor_id uuid, token_id uuid,
    client_request_id text, channel text, model_id uuid, model text, model_version int,
    artifact_sha256 bytea, environment_sha256 bytea, status text)
"""

RECORDING = f"""
CREATE FUNCTION record_predictions(callers json, records prediction_to_record[], keys json)
    RETURNS int[] LANGUAGE plpgsql AS $$
DECLARE refused int[];
BEGIN
    PERFORM pg_advisory_xact_lock_shared(7233173838382854003);
    refused := callers_without_authority(callers);
    WITH given AS MATERIALIZED (
        SELECT * FROM unnest(records) AS r WHERE r.caller <> ALL(refused)
    ), made AS (
        INSERT INTO predictions ({COLUMNS}) SELECT {COLUMNS} FROM given
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
END $$
"""
