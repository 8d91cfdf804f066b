"""Models, their versions, artifacts, and grants."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.create_table(
        "artifacts",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column(
            "stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("octet_length(sha256) = 32", name=op.f("ck_artifacts_sha256_length")),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_artifacts")),
    )
    op.create_table(
        "artifact_chunks",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["sha256"], ["artifacts.sha256"], name=op.f("fk_artifact_chunks_sha256_artifacts")
        ),
        sa.PrimaryKeyConstraint("sha256", "position", name=op.f("pk_artifact_chunks")),
    )
    op.create_table(
        "environments",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("description", sa.JSON(), nullable=False),
        sa.Column(
            "first_seen_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_environments")),
    )
    op.create_table(
        "models",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("owner_id", sa.Uuid()),
        sa.Column("restricted", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("active_number", sa.Integer()),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("name ~ '^[a-z0-9][a-z0-9-]{0,62}$'", name=op.f("ck_models_name")),
        sa.ForeignKeyConstraint(["owner_id"], ["users.id"], name=op.f("fk_models_owner_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_models")),
        sa.UniqueConstraint("name", name=op.f("uq_models_name")),
    )
    op.create_table(
        "model_versions",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("artifact_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("signature", sa.JSON(), nullable=False),
        sa.Column("environment_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("metrics", sa.JSON(), nullable=False),
        sa.Column(
            "registered_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True)),
        sa.CheckConstraint("number > 0", name=op.f("ck_model_versions_number")),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_model_versions_model_id_models")
        ),
        sa.ForeignKeyConstraint(
            ["artifact_sha256"],
            ["artifacts.sha256"],
            name=op.f("fk_model_versions_artifact_sha256_artifacts"),
        ),
        sa.ForeignKeyConstraint(
            ["environment_sha256"],
            ["environments.sha256"],
            name=op.f("fk_model_versions_environment_sha256_environments"),
        ),
        sa.PrimaryKeyConstraint("model_id", "number", name=op.f("pk_model_versions")),
    )
    op.create_foreign_key(
        "fk_models_active_version",
        "models",
        "model_versions",
        ["id", "active_number"],
        ["model_id", "number"],
    )
    op.create_table(
        "grants",
        sa.Column("model_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column(
            "granted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["model_id"], ["models.id"], name=op.f("fk_grants_model_id_models")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_grants_user_id_users")),
        sa.PrimaryKeyConstraint("model_id", "user_id", name=op.f("pk_grants")),
    )
    op.create_index(op.f("ix_grants_user_id"), "grants", ["user_id"])
    op.execute(IMMUTABLE)


IMMUTABLE = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER model_versions_are_immutable
    BEFORE DELETE OR UPDATE OF model_id, number, artifact_sha256, signature, environment_sha256,
        metrics, registered_at, registered_by ON model_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER artifacts_are_immutable
    BEFORE UPDATE OR DELETE ON artifacts FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER environments_are_immutable
    BEFORE UPDATE OR DELETE ON environments FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER artifact_chunks_are_immutable
    BEFORE UPDATE OR DELETE ON artifact_chunks FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""


def downgrade() -> None:
    op.drop_table("grants")
    op.drop_constraint("fk_models_active_version", "models")
    op.drop_table("model_versions")
    op.drop_table("models")
    op.drop_table("artifact_chunks")
    op.drop_table("artifacts")
    op.drop_table("environments")
    op.execute("DROP FUNCTION refuse_change()")
