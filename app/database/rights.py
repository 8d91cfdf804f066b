"""The service's role: what it may do is written here, and nowhere else.

Roles belong to the whole server and are in no dump of a database. So they are made, and the rights
given, after every run of the migrations, also when there was nothing to migrate.
"""

from sqlalchemy import Connection, text

SERVICE_ROLE = "daybook_service"

RIGHTS = {
    "predictions": "SELECT, INSERT",
    "events": "SELECT, INSERT",
    "outcomes": "SELECT, INSERT",
    "reviews": "SELECT, INSERT",
    "review_queues": "SELECT, INSERT, UPDATE (closed_at)",
    "review_items": "SELECT, INSERT, UPDATE (claimed_by, claimed_at)",
    "review_assignments": "SELECT, INSERT",
    "notices": "SELECT, INSERT",
    "ledger_pending": "SELECT, INSERT, DELETE",
    "ledger_entries": "SELECT, INSERT",
    "ledger_tiles": "SELECT, INSERT, UPDATE",
    "ledger_checkpoints": "SELECT, INSERT",
    "ledger_head": "SELECT, UPDATE",
    "ledger_findings": "SELECT, INSERT",
    "ledger_publications": "SELECT, INSERT, UPDATE",
    "legal_holds": "SELECT, INSERT, UPDATE (lifted_at, lifted_by)",
    "verifications": "SELECT, INSERT, UPDATE",
    "artifacts": "SELECT, INSERT",
    "artifact_chunks": "SELECT, INSERT",
    "environments": "SELECT, INSERT",
    "model_versions": "SELECT, INSERT, UPDATE (retired_at)",
    "models": "SELECT, INSERT, UPDATE",
    "grants": "SELECT, INSERT, DELETE",
    "users": "SELECT, INSERT, UPDATE",
    "tokens": "SELECT, INSERT, UPDATE",
    "ended_sessions": "SELECT, INSERT, DELETE",
    "idempotency_keys": "SELECT, INSERT, DELETE",
    "saved_views": "SELECT, INSERT, UPDATE, DELETE",
    "column_choices": "SELECT, INSERT, UPDATE",
    "rate_limits": "SELECT, INSERT, UPDATE, DELETE",
    "prediction_counts": "SELECT, INSERT",
    "counted_until": "SELECT, INSERT",
    "alembic_version": "SELECT",
}
_FUNCTIONS = (
    "ensure_predictions_partition",
    "erase_prediction",
    "erase_outcome",
    "erase_review",
    "drop_predictions_partition",
)

#: Takes the role; in a form that each supported PostgreSQL understands, and that takes it only where
#: this login may (since 16, being a member and being allowed to take a role are two things).
BECOME_SERVICE = f"""
SELECT set_config('role', rolname, false) FROM pg_roles WHERE rolname = '{SERVICE_ROLE}' AND
    CASE WHEN current_setting('server_version_num')::int >= 160000
         THEN pg_has_role(oid, 'SET') ELSE pg_has_role(oid, 'MEMBER') END
"""

_ENSURE_ROLE = f"""
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{SERVICE_ROLE}') THEN
        CREATE ROLE {SERVICE_ROLE} NOLOGIN;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        GRANT {SERVICE_ROLE} TO CURRENT_USER;
    END IF;
EXCEPTION
    -- Two databases of one server may be migrated at once: the other one made the role.
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN RAISE NOTICE 'no right to make the role {SERVICE_ROLE}';
END $$
"""


def give_rights(connection: Connection) -> None:
    """Make the service's role if this login may, and give it its rights on the tables that are there."""
    connection.execute(text(_ENSURE_ROLE))
    if not connection.scalar(text(f"SELECT to_regrole('{SERVICE_ROLE}')::text")):
        return
    connection.execute(text(f"GRANT USAGE ON SCHEMA public TO {SERVICE_ROLE}"))
    for table, rights in RIGHTS.items():
        if connection.scalar(text(f"SELECT to_regclass('public.{table}')::text")):
            connection.execute(text(f"GRANT {rights} ON {table} TO {SERVICE_ROLE}"))
    for function in _FUNCTIONS:
        if connection.scalar(text(f"SELECT to_regproc('public.{function}')::text")):
            connection.execute(text(f"GRANT EXECUTE ON FUNCTION {function} TO {SERVICE_ROLE}"))
