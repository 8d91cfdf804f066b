"""Sessions that were ended by signing out."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

RIGHTS = """
DO $$ BEGIN IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'daybook_service') THEN
    GRANT SELECT, INSERT, DELETE ON ended_sessions TO daybook_service;
END IF; END $$
"""


def upgrade() -> None:
    op.create_table(
        "ended_sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column(
            "ended_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ended_sessions")),
    )
    op.create_index(op.f("ix_ended_sessions_ended_at"), "ended_sessions", ["ended_at"])
    op.execute(RIGHTS)


def downgrade() -> None:
    op.drop_table("ended_sessions")
