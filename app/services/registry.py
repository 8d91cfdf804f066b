"""The registry: models and their versions, registered, activated, retired."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.identifiers import new_id
from app.ledger import canonical
from app.ledger.envelope import timestamp
from app.models import Environment, EventKind, Model, ModelVersion, User
from app.services.artifacts import store_artifact
from app.services.errors import ConflictError, UnknownThingError, invalid_input
from app.services.events import record_event
from ml import artifact
from ml.corrections import read_corrections
from ml.describe import columns_of_words, describe, read_examples
from ml.environment import describe_environment
from ml.evaluation import EvaluationError, evaluate, valid_rows
from ml.measurement import choose_plan
from ml.plan import Plan
from ml.runtime import ModelFailedError, Runtime, use_one_thread
from ml.signature import Signature, SignatureError

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


@dataclass(frozen=True, kw_only=True)
class Registration:
    """What is given to register a version: an artifact file and example rows."""

    name: str
    path: Path
    data: Path
    target: str | None = None
    title: str | None = None
    description: str | None = None
    owner: User | None = None
    restricted: bool | None = None
    registered_by: str


def register_version(given: Registration, *, actor_id: UUID | None = None) -> ModelVersion:
    """Check an artifact against its examples and store it as the next version of a model.

    The version is not active yet. A new name makes a new model.

    Raises:
        InvalidInputsError: if the name is none, or artifact, examples and corrections do not fit.
    """
    if not _NAME.fullmatch(given.name):
        raise invalid_input("name", "A name has small letters, digits and hyphens, at most 63.")
    try:
        data = artifact.read(given.path)
        corrections = read_corrections(given.path)
        signature, metrics, plan = _examine(data, given, corrections)
    except (artifact.ArtifactError, SignatureError, EvaluationError, ModelFailedError) as error:
        raise invalid_input("path", str(error)) from error
    sha256 = store_artifact(data)
    model = _model_for(given, corrections)
    version = ModelVersion(
        model_id=model.id,
        number=_next_number(model),
        artifact_sha256=sha256,
        signature=signature.to_json(),
        environment_sha256=ensure_environment(),
        metrics=metrics,
        plan=plan.to_json(),
        registered_by=given.registered_by,
    )
    db.session.add(version)
    db.session.flush()
    record_event(
        EventKind.MODEL_REGISTERED, actor_id=actor_id, subject_id=model.id, number=version.number
    )
    return version


def activate_version(name: str, number: int, *, actor_id: UUID | None = None) -> None:
    """Make a version the one that answers; the one before stays available by its number.

    Whoever calls this has seen that the version loads (`Runtimes.load`).

    Raises:
        UnknownThingError: if there is no such version.
        ConflictError: if it is retired.
    """
    model, version = _locked(name), get_version(name, number)
    if version.retired_at is not None:
        raise ConflictError(f"{name} {number} is retired; register it again as a new version.")
    model.active_number = number
    db.session.flush()
    record_event(
        EventKind.MODEL_ACTIVATED, actor_id=actor_id, subject_id=version.model_id, number=number
    )


def deactivate_model(name: str, *, actor_id: UUID | None = None) -> None:
    """Let no version of a model answer until one is activated again; each stays available by its number.

    Raises:
        UnknownThingError: if there is no such model.
    """
    model = _locked(name)
    if model.active_number is not None:
        number, model.active_number = model.active_number, None
        db.session.flush()
        record_event(
            EventKind.MODEL_DEACTIVATED, actor_id=actor_id, subject_id=model.id, number=number
        )


def newest_version(model: Model) -> ModelVersion | None:
    """Return the newest version of a model that is not retired, None if there is none."""
    return next((one for one in list_versions(model) if one.retired_at is None), None)


def retire_version(name: str, number: int, *, actor_id: UUID | None = None) -> None:
    """Take a version out of use for good; if it was the active one, the model has none then.

    Raises:
        UnknownThingError: if there is no such version.
    """
    model, version = _locked(name), get_version(name, number)
    if version.retired_at is None:
        version.retired_at = datetime.now(UTC)
        if model.active_number == number:
            model.active_number = None
        db.session.flush()
        record_event(EventKind.MODEL_RETIRED, actor_id=actor_id, subject_id=model.id, number=number)


def get_model(name: str) -> Model:
    """Return a model.

    Raises:
        UnknownThingError: if there is none of this name.
    """
    if (model := db.session.scalar(select(Model).where(Model.name == name))) is None:
        raise UnknownThingError(f"There is no model {name}.")
    return model


def _locked(name: str) -> Model:
    """Return a model that nobody else changes until the transaction ends."""
    model = get_model(name)
    db.session.refresh(model, with_for_update=True)
    return model


def get_version(name: str, number: int) -> ModelVersion:
    """Return a version of a model.

    Raises:
        UnknownThingError: if there is no such model or version.
    """
    if (version := db.session.get(ModelVersion, (get_model(name).id, number))) is None:
        raise UnknownThingError(f"{name} has no version {number}.")
    return version


def active_version(model: Model) -> ModelVersion | None:
    """Return the version of a model that answers, None if it has none."""
    if model.active_number is None:
        return None
    return db.session.get_one(ModelVersion, (model.id, model.active_number))


def active_versions(models: Iterable[Model]) -> dict[UUID, ModelVersion]:
    """Return the versions that answer, by model; by one statement, however many models."""
    is_active = (ModelVersion.model_id == Model.id) & (ModelVersion.number == Model.active_number)
    found = db.session.scalars(
        select(ModelVersion)
        .join(Model, is_active)
        .where(Model.id.in_([model.id for model in models]))
    )
    return {version.model_id: version for version in found}


def list_models() -> list[Model]:
    """Return all models, by title."""
    return list(db.session.scalars(select(Model).order_by(Model.title, Model.name)))


def list_versions(model: Model) -> Sequence[ModelVersion]:
    """Return a model's versions, the newest first."""
    return db.session.scalars(
        select(ModelVersion)
        .where(ModelVersion.model_id == model.id)
        .order_by(ModelVersion.number.desc())
    ).all()


def model_document(model: Model) -> dict[str, Any]:
    """Return a model with its versions and the signature of the active one, as JSON values."""
    active = active_version(model)
    return model_summary(model) | {
        "versions": [_version_document(model, version) for version in list_versions(model)],
        "signature": active and active.signature,
    }


def model_summary(model: Model) -> dict[str, Any]:
    """Return what there is to say of a model in a list, as JSON values."""
    return {
        "name": model.name,
        "title": model.title,
        "description": model.description,
        "restricted": model.restricted,
        "active_version": model.active_number,
    }


def _version_document(model: Model, version: ModelVersion) -> dict[str, Any]:
    return {
        "version": version.number,
        "status": version.status_in(model),
        "artifact_sha256": version.artifact_sha256.hex(),
        "registered_at": timestamp(version.registered_at),
        "registered_by": version.registered_by,
        "metrics": version.metrics,
        "signature": version.signature,
    }


def ensure_environment() -> bytes:
    """Note the environment of this process unless it is known, and return its digest."""
    description = describe_environment()
    sha256 = hashlib.sha256(canonical.encode(description)).digest()
    db.session.execute(
        insert(Environment).values(sha256=sha256, description=description).on_conflict_do_nothing()
    )
    return sha256


def _examine(
    data: bytes, given: Registration, corrections: dict[str, Any]
) -> tuple[Signature, dict[str, Any], Plan]:
    estimator = artifact.load(data, artifact.digest(data))
    words = columns_of_words(estimator, given.target, corrections)
    examples = read_examples(given.data, words)
    signature = describe(estimator, examples, given.target, corrections)
    use_one_thread()
    rows = valid_rows(Runtime(estimator, signature), examples)
    plan = choose_plan(estimator, signature, rows)
    metrics = evaluate(Runtime(estimator, signature, plan), examples, given.target)
    return signature, metrics, plan


def _model_for(given: Registration, corrections: dict[str, Any]) -> Model:
    """Return the model of this name, made if it is new, with what was given about it."""
    title = given.name.replace("-", " ").capitalize()
    db.session.execute(
        insert(Model)
        .values(id=new_id(), name=given.name, title=title)
        .on_conflict_do_nothing(index_elements=[Model.name])
    )
    # The lock lets registrations of one model follow one another, each with a number of its own.
    query = select(Model).where(Model.name == given.name).with_for_update()
    model = db.session.scalars(query).one()
    model.title = given.title or corrections.get("title") or model.title
    model.description = (
        given.description or corrections.get("description") or model.description or ""
    )
    if given.owner is not None:
        model.owner_id = given.owner.id
    if given.restricted is not None:
        model.restricted = given.restricted
    db.session.flush()
    return model


def _next_number(model: Model) -> int:
    latest = db.session.scalar(
        select(func.max(ModelVersion.number)).where(ModelVersion.model_id == model.id)
    )
    return (latest or 0) + 1
