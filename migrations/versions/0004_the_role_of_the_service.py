"""A role for the service that can add to the book and read it, and nothing else.

Where this login may not make roles the service keeps the login's rights, and the triggers alone protect the book.
"""

from alembic import op

revision = "0004"
down_revision = "0003"

ROLE = """
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'daybook_service') THEN
        CREATE ROLE daybook_service NOLOGIN;
    END IF;
    IF NOT pg_has_role('daybook_service', 'MEMBER') OR
       (SELECT NOT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
        GRANT daybook_service TO CURRENT_USER;
    END IF;
EXCEPTION
    -- Two databases of one server may be migrated at once: the other one made the role.
    WHEN duplicate_object OR unique_violation THEN NULL;
    WHEN insufficient_privilege THEN RAISE NOTICE 'no right to make the role daybook_service';
END $$;
"""

RIGHTS = {
    "predictions": "SELECT, INSERT",
    "events": "SELECT, INSERT",
    "artifacts": "SELECT, INSERT",
    "artifact_chunks": "SELECT, INSERT",
    "environments": "SELECT, INSERT",
    "model_versions": "SELECT, INSERT, UPDATE (retired_at)",
    "models": "SELECT, INSERT, UPDATE",
    "grants": "SELECT, INSERT, DELETE",
    "users": "SELECT, INSERT, UPDATE",
    "tokens": "SELECT, INSERT, UPDATE",
    "rate_limits": "SELECT, INSERT, UPDATE, DELETE",
    "prediction_counts": "SELECT, INSERT",
    "counted_hours": "SELECT, INSERT",
    "alembic_version": "SELECT",
}

PARTITIONS = "ensure_predictions_partition(timestamptz)"


def upgrade() -> None:
    op.execute(ROLE)
    op.execute(f"REVOKE ALL ON FUNCTION {PARTITIONS} FROM PUBLIC")
    _if_there_is_a_role(
        "GRANT USAGE ON SCHEMA public TO daybook_service",
        *(f"GRANT {rights} ON {table} TO daybook_service" for table, rights in RIGHTS.items()),
        f"GRANT EXECUTE ON FUNCTION {PARTITIONS} TO daybook_service",
    )


def downgrade() -> None:
    """Take the rights back; the role stays, for other databases of the server may use it."""
    _if_there_is_a_role(
        f"REVOKE ALL ON FUNCTION {PARTITIONS} FROM daybook_service",
        *(f"REVOKE ALL ON {table} FROM daybook_service" for table in RIGHTS),
        "REVOKE USAGE ON SCHEMA public FROM daybook_service",
    )
    op.execute(f"GRANT EXECUTE ON FUNCTION {PARTITIONS} TO PUBLIC")


def _if_there_is_a_role(*statements: str) -> None:
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'daybook_service') THEN "
        + " ".join(f"{statement};" for statement in statements)
        + " END IF; END $$"
    )
