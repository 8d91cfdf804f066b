"""Registering, activating, retiring, granting."""

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.extensions import db
from app.models import Artifact, ArtifactChunk, Environment, Event, EventKind, ModelVersion
from app.services import artifacts, model_access, registry, users
from app.services.errors import ConflictError, InvalidInputsError, UnknownThingError
from app.services.registry import Registration
from ml import artifact
from tests.support.cast import churn_estimator, customers, register, write_model


@pytest.fixture
def path(tmp_path):
    data = customers()
    return write_model(tmp_path, churn_estimator(data, seed=0.5), data)


def given(path, name="churn", **more):
    return Registration(
        **({"name": name, "path": path, "data": path.with_suffix(".csv"), "target": "left",
            "registered_by": "tests"} | more)
    )  # fmt: skip


def kinds():
    return list(db.session.scalars(select(Event.kind).order_by(Event.id.desc()).limit(2)))


def test_a_new_name_makes_a_model_with_version_1(context, path):
    version = registry.register_version(given(path, "new", title="New", description="For tests"))
    model = registry.get_model("new")
    assert (version.number, model.title, model.description) == (1, "New", "For tests")
    assert model.active_number is None
    assert kinds()[0] == EventKind.MODEL_REGISTERED


def test_a_known_name_gets_the_next_version_and_keeps_the_active_one(context, path):
    assert registry.register_version(given(path)).number == 2
    assert registry.register_version(given(path)).number == 3
    assert registry.get_model("churn").active_number == 1


def test_a_version_keeps_metrics_environment_artifact_and_who(context, path):
    version = registry.register_version(given(path))
    assert version.metrics["examples"] == 200
    assert version.metrics["accuracy"] > 0.8
    assert version.registered_by == "tests"
    environment = db.session.get_one(Environment, version.environment_sha256).description
    assert set(environment) >= {"python", "numpy", "scipy", "scikit-learn", "machine"}
    assert version.artifact_sha256 == artifact.digest(path.read_bytes())


def test_the_stored_artifact_is_the_file_in_chunks(context, path, tmp_path, monkeypatch):
    monkeypatch.setattr(artifacts, "CHUNK_BYTES", 1000)
    version = registry.register_version(given(path, "chunked"))
    sha256 = version.artifact_sha256
    chunks = db.session.scalar(
        select(func.count()).select_from(ArtifactChunk).where(ArtifactChunk.sha256 == sha256)
    )
    assert chunks == -(-path.stat().st_size // 1000)
    assert db.session.get_one(Artifact, sha256).size == path.stat().st_size
    assert artifacts.fetch_artifact(sha256, tmp_path / "cache") == path.read_bytes()


def test_the_same_artifact_is_stored_once(context, path):
    registry.register_version(given(path, "one"))
    before = db.session.scalar(select(func.count()).select_from(Artifact))
    registry.register_version(given(path, "two"))
    assert db.session.scalar(select(func.count()).select_from(Artifact)) == before


@pytest.mark.parametrize("name", ["", "Churn", "a b", "-a", "a" * 64, "ä", "a/b"])
def test_a_bad_name_is_refused(context, path, name):
    with pytest.raises(InvalidInputsError, match="small letters"):
        registry.register_version(given(path, name))


def test_a_missing_artifact_is_refused(context, path):
    path.unlink()
    with pytest.raises(InvalidInputsError, match="cannot be read"):
        registry.register_version(given(path))


def test_a_file_that_is_no_model_is_refused(context, path):
    path.write_bytes(b"nonsense")
    with pytest.raises(InvalidInputsError, match="cannot be deserialized"):
        registry.register_version(given(path))


def test_a_model_that_answers_nan_is_refused(context, tmp_path):
    data = pd.DataFrame({"a": [1.0, 2.0, 3.0], "y": [1.0, 2.0, 3.0]})
    estimator = LinearRegression().fit(data[["a"]], data["y"])
    estimator.coef_ = np.array([np.nan])
    path = write_model(tmp_path, estimator, data)
    with pytest.raises(InvalidInputsError, match="not finite"):
        registry.register_version(given(path, "nan", target="y"))


def test_labels_unlike_the_probabilities_are_refused(context, tmp_path):
    data = customers()
    estimator = Contrary().fit(data[["age"]], data["left"])
    path = write_model(tmp_path, estimator, data[["age", "left"]])
    with pytest.raises(InvalidInputsError, match="probabilities: false"):
        registry.register_version(given(path, "contrary"))
    path.with_suffix(".yaml").write_text("output: {probabilities: false}")
    assert registry.register_version(given(path, "contrary")).number == 1


class Contrary(LogisticRegression):
    def predict(self, rows):
        label = super().predict(rows)
        return np.where(label == "yes", "no", "yes")


def test_activating_makes_an_event_and_moves_the_answer(context, path):
    registry.register_version(given(path))
    registry.activate_version("churn", 2)
    assert registry.get_model("churn").active_number == 2
    assert kinds()[0] == EventKind.MODEL_ACTIVATED


def test_an_unknown_version_cannot_be_activated(context):
    with pytest.raises(UnknownThingError, match="no version 9"):
        registry.activate_version("churn", 9)
    with pytest.raises(UnknownThingError, match="no model nothing"):
        registry.activate_version("nothing", 1)


def test_a_retired_version_cannot_be_activated_again(context):
    registry.retire_version("churn", 1)
    assert registry.get_model("churn").active_number is None
    with pytest.raises(ConflictError, match="retired"):
        registry.activate_version("churn", 1)


@pytest.mark.parametrize(
    "change", ["signature = '{}'", "number = 7", "metrics = '{}'", "registered_by = 'x'"]
)
def test_a_version_is_immutable(context, change):
    db.session.execute(text("SET LOCAL ROLE NONE"))
    with pytest.raises(DBAPIError, match="never changed"):
        db.session.execute(text(f"UPDATE model_versions SET {change}"))


def test_a_version_cannot_be_deleted(context):
    db.session.execute(text("SET LOCAL ROLE NONE"))
    db.session.execute(text("UPDATE models SET active_number = NULL"))
    with pytest.raises(DBAPIError, match="never changed"):
        db.session.execute(text("DELETE FROM model_versions"))


@pytest.mark.parametrize(
    ("who", "sees"),
    [("owner", True), ("colleague", True), ("stranger", False), ("auditor", True), ("admin", True)],
)
def test_a_restricted_model_is_visible_to_those_it_is_granted_to(context, cast, who, sees):
    names = [model.name for model in model_access.visible_models(cast[who].caller)]
    assert ("churn" in names) == sees


def test_an_open_model_is_visible_to_every_analyst(context, cast):
    model_access.set_restricted("churn", False)
    assert model_access.visible_model(cast["stranger"].caller, "churn")


def test_a_grant_is_given_and_taken(context, cast):
    stranger = users.find_user("stranger@example.com")
    model_access.grant_model("churn", stranger)
    model_access.grant_model("churn", stranger)
    assert model_access.visible_model(cast["stranger"].caller, "churn")
    model_access.revoke_grant("churn", stranger)
    with pytest.raises(UnknownThingError):
        model_access.visible_model(cast["stranger"].caller, "churn")
    with pytest.raises(UnknownThingError, match="not granted"):
        model_access.revoke_grant("churn", stranger)


def test_auditors_need_no_grant(context):
    with pytest.raises(ConflictError, match="for analysts"):
        model_access.grant_model("churn", users.find_user("auditor@example.com"))


def test_versions_are_listed_newest_first(context, path):
    register(path, "churn", activate=False)
    numbers = [v.number for v in registry.list_versions(registry.get_model("churn"))]
    assert numbers == [2, 1]
    assert db.session.get_one(ModelVersion, (registry.get_model("churn").id, 2))
