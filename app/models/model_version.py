"""Versions of models, immutable but for their retirement."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column

from app.models.base import Base
from app.models.model import Model


class ModelVersion(Base):
    """One immutable artifact of a model with its signature, environment and metrics.

    `signature` is what `ml.signature.Signature.to_json` wrote, `registered_by` who did it: an email
    address of a person, or the operator's name on the machine. `plan` is what `ml.plan.Plan.to_json`
    wrote; versions registered before it was measured have none.
    """

    __tablename__ = "model_versions"
    __table_args__ = (CheckConstraint("number > 0", name="number"),)

    model_id: Mapped[UUID] = mapped_column(ForeignKey("models.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    artifact_sha256: Mapped[bytes] = mapped_column(ForeignKey("artifacts.sha256"))
    signature: Mapped[dict[str, Any]]
    environment_sha256: Mapped[bytes] = mapped_column(ForeignKey("environments.sha256"))
    metrics: Mapped[dict[str, Any]]
    plan: Mapped[dict[str, Any] | None]
    registered_at: Mapped[datetime] = mapped_column(server_default=func.now())
    registered_by: Mapped[str]
    retired_at: Mapped[datetime | None]

    def status_in(self, model: Model) -> str:
        """Return what the version is now: active, retired, or available by its number."""
        if self.retired_at is not None:
            return "retired"
        return "active" if self.number == model.active_number else "available"
