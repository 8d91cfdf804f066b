"""What people arrange for themselves: saved views, and the columns of each model; who read a record; references found."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "saved_views",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("shared", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["owner_id"], ["users.id"], name=op.f("fk_saved_views_owner_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("owner_id", "name", name=op.f("uq_saved_views_owner_id_name")),
    )
    op.create_table(
        "column_choices",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_column_choices_model_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_column_choices_user_id_users")
        ),
        sa.PrimaryKeyConstraint("user_id", "model_id", name=op.f("pk_column_choices")),
    )
    op.create_index(op.f("ix_events_subject_id_id"), "events", ["subject_id", "id"])
    op.create_index(
        "ix_predictions_reference_id",
        "predictions",
        ["reference", "id"],
        postgresql_ops={"reference": "text_pattern_ops"},
        postgresql_where=sa.text("reference IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index("ix_predictions_reference_id", "predictions")
    op.drop_index(op.f("ix_events_subject_id_id"), "events")
    op.drop_table("column_choices")
    op.drop_table("saved_views")
