"""Plans of versions, idempotency keys, and the functions that claim and record in one round trip."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.add_column("model_versions", sa.Column("plan", sa.JSON()))
    op.create_table(
        "idempotency_keys",
        sa.Column("actor_id", sa.Uuid(), nullable=False),
        sa.Column("key_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column(
            "kept_since",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("actor_id", "key_sha256", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_kept_since"), "idempotency_keys", ["kept_since"])
    op.execute(AUTHORITY)
    op.execute(KEYS)
    op.execute(RECORDING)


def downgrade() -> None:
    op.execute(
        "DROP FUNCTION record_predictions(json, json, json, json);"
        "DROP FUNCTION claim_keys(json, json);"
        "DROP TRIGGER authority_waits_for_recordings ON users;"
        "DROP TRIGGER authority_waits_for_recordings ON tokens;"
        "DROP FUNCTION wait_for_recordings();"
        "DROP FUNCTION callers_without_authority(json);"
    )
    op.drop_table("idempotency_keys")
    op.drop_column("model_versions", "plan")


# Who records holds the lock 7233173838382854003 shared, who takes authority away takes it alone: so a
# revocation waits for what is being recorded, and whatever is recorded after it sees it. The lock costs
# no write, and does not hinder other changes to tokens and users.
AUTHORITY = """
CREATE FUNCTION callers_without_authority(callers json) RETURNS int[] LANGUAGE sql AS $$
    SELECT ARRAY(
        SELECT c.caller FROM json_to_recordset(callers)
            AS c(caller int, actor_id uuid, token_id uuid, role text)
        WHERE NOT EXISTS (SELECT FROM users u WHERE u.id = c.actor_id AND u.active AND u.role = c.role)
           OR c.token_id IS NOT NULL AND NOT EXISTS (
                  SELECT FROM tokens t
                  WHERE t.id = c.token_id AND t.user_id = c.actor_id AND t.revoked_at IS NULL
                    AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())))
$$;

CREATE FUNCTION wait_for_recordings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(7233173838382854003);
    RETURN NULL;
END $$;

CREATE TRIGGER authority_waits_for_recordings AFTER UPDATE OF active, role OR DELETE ON users
    FOR EACH STATEMENT EXECUTE FUNCTION wait_for_recordings();
CREATE TRIGGER authority_waits_for_recordings
    AFTER UPDATE OF user_id, scopes, expires_at, revoked_at OR DELETE ON tokens
    FOR EACH STATEMENT EXECUTE FUNCTION wait_for_recordings();
"""

# The lock comes first and the look second, with a snapshot of its own: who held the lock has committed.
KEYS = """
CREATE FUNCTION claim_keys(callers json, claims json)
    RETURNS TABLE(request int, state text, fingerprint bytea, request_id uuid) LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
    refused int[] := callers_without_authority(callers);
    taken int[] := ARRAY(
        SELECT c.request FROM json_to_recordset(claims) AS c(request int, lock bigint)
        WHERE NOT pg_try_advisory_xact_lock(c.lock));
BEGIN
    RETURN QUERY
    SELECT c.request,
           CASE WHEN c.caller = ANY(refused) THEN 'refused' WHEN k.request_id IS NOT NULL THEN 'kept'
                WHEN c.request = ANY(taken) THEN 'taken' ELSE 'claimed' END,
           k.fingerprint, k.request_id
    FROM json_to_recordset(claims) AS c(request int, caller int, actor_id uuid, key_sha256 bytea)
    LEFT JOIN idempotency_keys k USING (actor_id, key_sha256);
END $$;
"""

# One call, one round trip, one transaction. What is the same for all rows of a request is given once.
RECORDING = """
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
