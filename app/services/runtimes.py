"""The models of this process: loaded when first used, followed when another version is activated."""

import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar
from uuid import UUID

import structlog
from sqlalchemy import Select, select

from app.access import Caller
from app.extensions import db
from app.models import Environment, Grant, Model, ModelVersion
from app.recorder import LoadedVersion
from app.services.artifacts import fetch_artifact
from app.services.errors import (
    ConflictError,
    DatabaseAwayError,
    UnavailableError,
    UnknownThingError,
)
from app.services.registry import ensure_environment
from ml import artifact
from ml.plan import Plan
from ml.runtime import Runtime, use_one_thread
from ml.signature import Signature, SignatureError

FRESH_SECONDS = 1.0
_LONGEST_READING_SECONDS = 5.0
_RETRY_BROKEN_SECONDS = 5.0
_MOST_LOADED = 64  # Beside the active ones, which stay loaded.

log = structlog.get_logger(__name__)
Key = tuple[UUID, int]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What the catalogue knows of a model."""

    id: UUID
    name: str
    restricted: bool
    owner_id: UUID | None
    active_number: int | None
    retired: frozenset[int]
    granted_to: frozenset[UUID]

    def visible_to(self, caller: Caller) -> bool:
        """Whether a caller may use the model."""
        return (
            not self.restricted
            or caller.sees_everything
            or caller.user_id == self.owner_id
            or caller.user_id in self.granted_to
        )


class Runtimes:
    """Finds the loaded version for a request.

    The catalogue of models is read again when it is older than `FRESH_SECONDS`, so a change reaches
    every worker within that time plus the time to load the version. While a version loads, or if it
    cannot be loaded, the one before keeps serving; other models do not wait for it.
    """

    def __init__(self, cache: Path) -> None:
        self._cache = cache
        self._reading = threading.Lock()
        self._loading: defaultdict[Key, threading.Lock] = defaultdict(threading.Lock)
        self.forget()

    def forget(self) -> None:
        """Forget everything that was read or loaded."""
        self._catalogue: Mapping[str, Entry] = {}
        self._read_at = float("-inf")
        self._loaded: OrderedDict[Key, LoadedVersion] = OrderedDict()
        self._serving: dict[UUID, LoadedVersion] = {}
        self._broken: dict[Key, tuple[float, str]] = {}

    def entry(self, caller: Caller, name: str) -> Entry:
        """Return what is known of a model that a caller may use.

        Raises:
            UnknownThingError: if there is none, or it is not theirs to see: the two look alike.
        """
        entry = self._read_catalogue().get(name)
        if entry is None or not entry.visible_to(caller):
            raise UnknownThingError(f"There is no model {name} that you may use.")
        return entry

    def version(self, entry: Entry, number: int | None = None) -> LoadedVersion:
        """Return a loaded version: the active one, or the one of a number.

        Raises:
            UnknownThingError: if there is no such version.
            ConflictError: if the version is retired, or no version is active.
            UnavailableError: if it cannot be loaded.
        """
        return self._active(entry) if number is None else self._load(entry, number)

    def load(self, name: str, number: int) -> LoadedVersion:
        """Load a version from the database, whoever asks: the check before it is activated.

        Raises:
            UnknownThingError: if there is no such version.
            ConflictError: if it is retired.
            UnavailableError: if it cannot be loaded; the message says why.
        """
        self._read_at = float("-inf")
        if (entry := self._read_catalogue().get(name)) is None:
            raise UnknownThingError(f"There is no model {name}.")
        return self._load(entry, number)

    def broken(self) -> dict[str, str]:
        """Return the models whose active version cannot be loaded, and why."""
        found = {}
        for entry in self._read_catalogue().values():
            serving = self._serving.get(entry.id)
            if entry.active_number is None or (serving and serving.number == entry.active_number):
                continue
            try:
                self._load(entry, entry.active_number)
            except (UnavailableError, ConflictError) as error:
                found[entry.name] = error.detail
        return found

    def _read_catalogue(self) -> Mapping[str, Entry]:
        """Return the catalogue as of `FRESH_SECONDS` ago or later.

        While it is only a little older, one thread reads it again and the others go on with it.

        Raises:
            DatabaseAwayError: if another thread has been reading it for too long.
        """
        age = time.monotonic() - self._read_at
        if age <= FRESH_SECONDS:
            return self._catalogue
        patience = _LONGEST_READING_SECONDS if age > 2 * FRESH_SECONDS else 0
        if self._reading.acquire(timeout=patience):
            try:
                self._read_catalogue_again()
            finally:
                self._reading.release()
        elif patience:
            raise DatabaseAwayError
        return self._catalogue

    def _read_catalogue_again(self) -> None:
        started = time.monotonic()
        if started - self._read_at > FRESH_SECONDS:
            self._catalogue = _read_entries()
            self._read_at = started

    def _active(self, entry: Entry) -> LoadedVersion:
        if entry.active_number is None:
            raise ConflictError(f"No version of {entry.name} is active.")
        before = self._serving.get(entry.id)
        if before is not None and before.number == entry.active_number:
            return before
        if before is not None and self._loading[entry.id, entry.active_number].locked():
            return before  # Another thread is loading the new one.
        try:
            self._serving[entry.id] = self._load(entry, entry.active_number)
        except UnavailableError:
            if before is None:
                raise
        return self._serving[entry.id]

    def _load(self, entry: Entry, number: int) -> LoadedVersion:
        if number in entry.retired:
            raise ConflictError(f"{entry.name} version {number} is retired.")
        key = (entry.id, number)
        if (loaded := self._loaded.get(key)) is not None:
            return loaded
        with self._loading[key]:
            if (loaded := self._loaded.get(key)) is not None:
                return loaded
            failed_at, reason = self._broken.get(key, (float("-inf"), ""))
            if time.monotonic() - failed_at < _RETRY_BROKEN_SECONDS:
                raise UnavailableError(reason)
            return self._load_now(entry, number)

    def _load_now(self, entry: Entry, number: int) -> LoadedVersion:
        try:
            loaded = _read_version(entry, number, self._cache)
        except (artifact.ArtifactError, SignatureError) as error:
            reason = f"{entry.name} version {number} cannot be loaded. {error}"
            self._broken[entry.id, number] = (time.monotonic(), reason)
            log.error("version cannot be loaded", model=entry.name, version=number, why=str(error))
            raise UnavailableError(reason) from error
        self._broken.pop((entry.id, number), None)
        self._loaded[entry.id, number] = loaded
        while len(self._loaded) > _MOST_LOADED:
            self._loaded.popitem(last=False)
        log.info("version loaded", model=entry.name, version=number)
        return loaded


def _read_entries() -> dict[str, Entry]:
    granted = _grouped(select(Grant.model_id, Grant.user_id))
    retired = _grouped(
        select(ModelVersion.model_id, ModelVersion.number).where(
            ModelVersion.retired_at.is_not(None)
        )
    )
    columns = (Model.id, Model.name, Model.restricted, Model.owner_id, Model.active_number)
    return {
        row.name: Entry(
            **row._mapping,
            granted_to=frozenset(granted.get(row.id, ())),
            retired=frozenset(retired.get(row.id, ())),
        )
        for row in db.session.execute(select(*columns))
    }


def _grouped(pairs: Select[UUID, T]) -> dict[UUID, set[T]]:
    groups: dict[UUID, set[T]] = {}
    for key, member in db.session.execute(pairs):
        groups.setdefault(key, set()).add(member)
    return groups


def _read_version(entry: Entry, number: int, cache: Path) -> LoadedVersion:
    columns = (
        ModelVersion.artifact_sha256,
        ModelVersion.signature,
        ModelVersion.plan,
        Environment.description,
    )
    row = db.session.execute(
        select(*columns)
        .join(Environment, Environment.sha256 == ModelVersion.environment_sha256)
        .where(ModelVersion.model_id == entry.id, ModelVersion.number == number)
    ).one_or_none()
    if row is None:
        raise UnknownThingError(f"{entry.name} has no version {number}.")
    data = fetch_artifact(row.artifact_sha256, cache)
    estimator = artifact.load(data, row.artifact_sha256, made_with=row.description["scikit-learn"])
    use_one_thread()
    environment_sha256 = ensure_environment()
    db.session.commit()
    return LoadedVersion(
        model_id=entry.id,
        model=entry.name,
        number=number,
        artifact_sha256=row.artifact_sha256.hex(),
        environment_sha256=environment_sha256.hex(),
        runtime=Runtime(
            estimator, Signature.from_json(row.signature), row.plan and Plan.from_json(row.plan)
        ),
    )
