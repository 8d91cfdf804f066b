"""The book's main table: one row for each recorded request/result pair."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base, one_of


class Status(StrEnum):
    """The fate of a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAILED = "failed"


class Channel(StrEnum):
    """The door by which a request came."""

    FORM = "form"
    API = "api"
    OPEN_INFERENCE = "v2"
    KSERVE_V1 = "v1"
    MLFLOW = "mlflow"


class Prediction(Base):
    """One recorded request/result pair, append-only.

    An accepted row has one input row in `inputs` and its answer in `output`. A refused or failed
    request is one record: `output` is the problem it was answered with, `inputs` the list of rows
    that was sent, or `{"bytes": …, "sha256": …}` of a body that could not be read as one.

    `inputs`, `output`, `reference` and `subject` can be erased; each has a salt and a commitment.
    `client_request_id`, what the client calls its request, is not: it stands in logs, too, and is not sealed.
    The two JSON columns hold canonical bytes, which `json`, unlike `jsonb`, keeps as they are.
    There are no foreign keys: they would block dropping a month, and records outlive what they name.
    """

    __tablename__ = "predictions"
    __table_args__ = (
        CheckConstraint(one_of("status", Status), name="status"),
        Index("ix_predictions_model_id_id", "model_id", "id"),
        Index("ix_predictions_actor_id_id", "actor_id", "id"),
        Index("ix_predictions_request_id", "request_id"),
        Index("ix_predictions_unanswered", "id", postgresql_where=text("status <> 'accepted'")),
        Index(
            "ix_predictions_subject_id",
            "subject",
            "id",
            postgresql_where=text("subject IS NOT NULL"),
        ),
        Index(
            "ix_predictions_reference_id",
            "reference",
            "id",
            postgresql_ops={"reference": "text_pattern_ops"},
            postgresql_where=text("reference IS NOT NULL"),
        ),
        Index(
            "ix_predictions_client_request_id_id",
            "client_request_id",
            "id",
            postgresql_ops={"client_request_id": "text_pattern_ops"},
            postgresql_where=text("client_request_id IS NOT NULL"),
        ),
        {"postgresql_partition_by": "RANGE (id)"},
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    request_id: Mapped[UUID]
    row: Mapped[int]
    received_at: Mapped[datetime]
    answered_at: Mapped[datetime]
    actor_id: Mapped[UUID]
    token_id: Mapped[UUID | None]
    channel: Mapped[str]
    model_id: Mapped[UUID | None]
    model: Mapped[str | None]
    model_version: Mapped[int | None]
    artifact_sha256: Mapped[bytes | None]
    environment_sha256: Mapped[bytes | None]
    status: Mapped[str]
    inputs: Mapped[object | None] = mapped_column(JSON(none_as_null=True))
    inputs_salt: Mapped[bytes | None]
    inputs_commitment: Mapped[bytes | None]
    output: Mapped[object | None] = mapped_column(JSON(none_as_null=True))
    output_salt: Mapped[bytes | None]
    output_commitment: Mapped[bytes | None]
    reference: Mapped[str | None]
    reference_salt: Mapped[bytes | None]
    reference_commitment: Mapped[bytes | None]
    subject: Mapped[str | None]
    subject_salt: Mapped[bytes | None]
    subject_commitment: Mapped[bytes | None]
    client_request_id: Mapped[str | None]
