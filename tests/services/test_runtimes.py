"""Finding and loading versions: what is damaged never stops what works."""

import threading

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
    assert runtimes.version(runtimes.entry(cast["owner"].caller, "churn")).number == 1


def test_another_active_version_is_followed_after_a_second(runtimes, cast, second):
    caller = cast["owner"].caller
    assert runtimes.version(runtimes.entry(caller, "churn")).number == 1
    registry.activate_version("churn", 2)
    db.session.commit()
    age(runtimes, module.FRESH_SECONDS)
    assert runtimes.version(runtimes.entry(caller, "churn")).number == 2
    assert runtimes.version(runtimes.entry(caller, "churn"), 1).number == 1


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
    assert runtimes.version(runtimes.entry(caller, "churn")).number == 1
    damage(context, 2, how)
    registry.activate_version("churn", 2)
    db.session.commit()
    age(runtimes, 10)
    assert runtimes.version(runtimes.entry(caller, "churn")).number == 1
    with pytest.raises(UnavailableError, match=words):
        runtimes.version(runtimes.entry(caller, "churn"), 2)
    assert words in runtimes.broken()["churn"]


def test_without_an_old_version_a_damaged_artifact_is_unavailable(runtimes, cast, context):
    damage(context, 1, "DELETE FROM artifact_chunks")
    with pytest.raises(UnavailableError, match="cannot be loaded"):
        runtimes.version(runtimes.entry(cast["owner"].caller, "churn"))


def test_a_cache_file_with_other_bytes_is_not_used(runtimes, cast, context):
    sha256 = registry.get_version("churn", 1).artifact_sha256
    file = context.extensions["settings"].home / "artifacts" / sha256.hex()
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"something else")
    assert runtimes.version(runtimes.entry(cast["owner"].caller, "churn")).number == 1
    assert file.read_bytes() != b"something else"


def test_a_cache_that_cannot_be_written_is_no_reason_to_fail(runtimes, cast, context, tmp_path):
    (tmp_path / "file").touch()
    runtimes._cache = tmp_path / "file" / "below"
    try:
        assert runtimes.version(runtimes.entry(cast["owner"].caller, "churn")).number == 1
    finally:
        runtimes._cache = context.extensions["settings"].home / "artifacts"


def test_a_retired_version_does_not_answer(runtimes, cast, second):
    registry.retire_version("churn", 2)
    db.session.commit()
    with pytest.raises(ConflictError, match="retired"):
        runtimes.version(runtimes.entry(cast["owner"].caller, "churn"), 2)


@pytest.mark.parametrize("name", ["nothing", "churn"])
def test_unknown_and_forbidden_models_look_alike(runtimes, cast, name):
    with pytest.raises(UnknownThingError, match=f"There is no model {name} that you may use"):
        runtimes.version(runtimes.entry(cast["stranger"].caller, name))


def test_a_grant_that_is_taken_counts_after_a_second(runtimes, cast):
    from app.services import users

    caller = cast["colleague"].caller
    assert runtimes.version(runtimes.entry(caller, "churn"))
    model_access.revoke_grant("churn", users.find_user(caller.email))
    db.session.commit()
    age(runtimes, module.FRESH_SECONDS)
    with pytest.raises(UnknownThingError):
        runtimes.version(runtimes.entry(caller, "churn"))


def test_a_retired_version_that_was_loaded_stops_answering(runtimes, cast, second):
    caller = cast["owner"].caller
    assert runtimes.version(runtimes.entry(caller, "churn"), 2)
    registry.retire_version("churn", 2)
    db.session.commit()
    age(runtimes, module.FRESH_SECONDS)
    with pytest.raises(ConflictError, match="retired"):
        runtimes.version(runtimes.entry(caller, "churn"), 2)


def test_a_version_that_loads_slowly_keeps_no_other_model_waiting(
    context, cast, second, tmp_path, monkeypatch
):
    data = customers()
    register(write_model(tmp_path, churn_estimator(data, 0.7), data), "other")
    runtimes, caller = context.extensions["runtimes"], cast["owner"].caller
    for name in ("churn", "other"):
        assert runtimes.version(runtimes.entry(caller, name))
    read, loading, release = module._read_version, threading.Event(), threading.Event()

    def read_slowly(entry, number, cache):
        loading.set()
        assert release.wait(20)
        return loaded

    loaded = read(runtimes.entry(caller, "churn"), 2, runtimes._cache)
    registry.activate_version("churn", 2)
    db.session.commit()
    monkeypatch.setattr(module, "_read_version", read_slowly)
    age(runtimes, module.FRESH_SECONDS)
    entry = runtimes.entry(caller, "churn")
    thread = threading.Thread(target=runtimes.version, args=(entry,))
    thread.start()
    assert loading.wait(20)
    age(runtimes, 10)
    assert runtimes.version(runtimes.entry(caller, "other")).number == 1
    assert runtimes.version(runtimes.entry(caller, "churn")).number == 1
    release.set()
    thread.join()
    assert runtimes.version(runtimes.entry(caller, "churn")).number == 2


def test_active_versions_stay_loaded_however_many_others_are(context, cast, second, monkeypatch):
    monkeypatch.setattr(module, "_MOST_LOADED", 1)
    runtimes, caller = context.extensions["runtimes"], cast["owner"].caller
    active = runtimes.version(runtimes.entry(caller, "churn"))
    runtimes.version(runtimes.entry(caller, "churn"), 2)
    monkeypatch.setattr(module, "_read_version", None)
    assert runtimes.version(runtimes.entry(caller, "churn")) is active
    assert runtimes.broken() == {}


def test_an_artifact_of_another_scikit_learn_is_not_loaded(context, cast, monkeypatch):
    monkeypatch.setattr("sklearn.__version__", "99.0")
    runtimes = context.extensions["runtimes"]
    with pytest.raises(UnavailableError, match=r"this service runs 99\.0"):
        runtimes.version(runtimes.entry(cast["owner"].caller, "churn"))
