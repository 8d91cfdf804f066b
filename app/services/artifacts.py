"""Artifacts: kept in the database in chunks, cached on disk by digest."""

import contextlib
import secrets
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from app.extensions import db
from app.models import Artifact, ArtifactChunk
from ml import artifact

CHUNK_BYTES = 2**20


def store_artifact(data: bytes) -> bytes:
    """Store an artifact unless it is there, and return its SHA-256."""
    sha256 = artifact.digest(data)
    row = {"sha256": sha256, "size": len(data)}
    db.session.execute(insert(Artifact).values(row).on_conflict_do_nothing())
    for position, start in enumerate(range(0, len(data), CHUNK_BYTES)):
        chunk = {"sha256": sha256, "position": position, "data": data[start : start + CHUNK_BYTES]}
        db.session.execute(insert(ArtifactChunk).values(chunk).on_conflict_do_nothing())
    return sha256


def fetch_artifact(sha256: bytes, cache: Path) -> bytes:
    """Return the bytes of an artifact, from the cache if it has the right ones.

    Whoever deserializes the bytes still compares their digest: a file may change after this.

    Raises:
        MissingArtifactError: if neither the cache nor the database has it.
    """
    file = cache / sha256.hex()
    try:
        data = file.read_bytes()
        if artifact.digest(data) == sha256:
            return data
    except OSError:
        pass
    data = read_stored_artifact(sha256)
    if not data:
        raise artifact.MissingArtifactError(
            f"The database has no artifact {sha256.hex()}. Restore it from a backup, or register"
            " the same file again."
        )
    if artifact.digest(data) == sha256:
        _keep(file, data)
    return data


def read_stored_artifact(sha256: bytes) -> bytes:
    """Return the bytes that the database has of an artifact, whatever they are; b"" if none."""
    query = select(ArtifactChunk.data).where(ArtifactChunk.sha256 == sha256)
    return b"".join(db.session.scalars(query.order_by(ArtifactChunk.position)))


def _keep(file: Path, data: bytes) -> None:
    """Write a cache file whole or not at all; a cache that cannot be written is no reason to fail."""
    draft = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_bytes(data)
        draft.replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
