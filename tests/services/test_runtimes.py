"""Finding and loading versions: what is damaged never stops what works."""

import pytest
from sqlalchemy import text

from app.extensions import db
from app.services import model_access, registry
from app.services import runtimes as module
from app.services.errors import ConflictError, UnavailableError, UnknownThingError
from tests.support.cast import churn_estimator, customers, register, write_model


@pytest.fixture
def runtimes(context):
    return context.extensions["runtimes"]


@pytest.fixture
def second(context, tmp_path):
    data = customers()
    return register(
        write_model(tmp_path, churn_estimator(data, 0.1), data), "churn", activate=False
    )


def age(runtimes, seconds):
    """Let the catalogue be as old as this."""
    runtimes._read_at -= seconds


def damage(context, number, how):
    """Damage the stored artifact of a version, and empty the cache on disk."""
    sha256 = registry.get_version("churn", number).artifact_sha256
    (context.extensions["settings"].home / "artifacts" / sha256.hex()).unlink(missing_ok=True)
    db.session.execute(text("SET LOCAL ROLE NONE"))
    db.session.execute(text("ALTER TABLE artifact_chunks DISABLE TRIGGER USER"))
    db.session.execute(text(f"{how} WHERE sha256 = :s"), {"s": sha256})
    db.session.commit()


def test_the_active_version_is_found(runtimes, cast):
    assert runtimes.target(cast["owner"].caller, "churn").number == 1


def test_another_active_version_is_followed_after_a_second(runtimes, cast, second):
    caller = cast["owner"].caller
    assert runtimes.target(caller, "churn").number == 1
    registry.activate_version("churn", 2)
    db.session.commit()
    age(runtimes, module.FRESH_SECONDS)
    assert runtimes.target(caller, "churn").number == 2
    assert runtimes.target(caller, "churn", 1).number == 1


@pytest.mark.parametrize(
    ("how", "words"),
    [
        ("DELETE FROM artifact_chunks", "has no artifact"),
        ("UPDATE artifact_chunks SET data = substring(data FOR 100)", "SHA-256"),
        ("UPDATE artifact_chunks SET data = set_byte(data, 50, 1 # get_byte(data, 50))", "SHA-256"),
    ],
)
def test_a_damaged_artifact_is_an_error_and_the_old_version_keeps_serving(
    runtimes, cast, context, second, how, words
):
    caller = cast["owner"].caller
    assert runtimes.target(caller, "churn").number == 1
    damage(context, 2, how)
    registry.activate_version("churn", 2)
    db.session.commit()
    age(runtimes, 10)
    assert runtimes.target(caller, "churn").number == 1
    with pytest.raises(UnavailableError, match=words):
        runtimes.target(caller, "churn", 2)
    assert words in runtimes.broken()["churn"]


def test_without_an_old_version_a_damaged_artifact_is_unavailable(runtimes, cast, context):
    damage(context, 1, "DELETE FROM artifact_chunks")
    with pytest.raises(UnavailableError, match="cannot be loaded"):
        runtimes.target(cast["owner"].caller, "churn")


def test_a_cache_file_with_other_bytes_is_not_used(runtimes, cast, context):
    sha256 = registry.get_version("churn", 1).artifact_sha256
    file = context.extensions["settings"].home / "artifacts" / sha256.hex()
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"something else")
    assert runtimes.target(cast["owner"].caller, "churn").number == 1
    assert file.read_bytes() != b"something else"


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(runtimes, cast, context, tmp_path):
    (tmp_path / "file").touch()
    runtimes._cache = tmp_path / "file" / "below"
    try:
        assert runtimes.target(cast["owner"].caller, "churn").number == 1
    finally:
        runtimes._cache = context.extensions["settings"].home / "artifacts"


def test_a_retired_version_does_not_answer(runtimes, cast, second):
    registry.retire_version("churn", 2)
    db.session.commit()
    with pytest.raises(ConflictError, match="retired"):
        runtimes.target(cast["owner"].caller, "churn", 2)


@pytest.mark.parametrize("name", ["nothing", "churn"])
def test_unknown_and_forbidden_models_look_alike(runtimes, cast, name):
    with pytest.raises(UnknownThingError, match=f"There is no model {name} that you may use"):
        runtimes.target(cast["stranger"].caller, name)


def test_a_grant_that_is_taken_counts_after_a_second(runtimes, cast):
    from app.services import users

    caller = cast["colleague"].caller
    assert runtimes.target(caller, "churn")
    model_access.revoke_grant("churn", users.find_user(caller.email))
    db.session.commit()
    age(runtimes, module.FRESH_SECONDS)
    with pytest.raises(UnknownThingError):
        runtimes.target(caller, "churn")


def test_a_retired_version_that_was_loaded_stops_answering(runtimes, cast, second):
    caller = cast["owner"].caller
    assert runtimes.target(caller, "churn", 2)
    registry.retire_version("churn", 2)
    db.session.commit()
    age(runtimes, module.FRESH_SECONDS)
    with pytest.raises(ConflictError, match="retired"):
        runtimes.target(caller, "churn", 2)
