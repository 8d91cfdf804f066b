"""Idempotency keys (draft-ietf-httpapi-idempotency-key-header): the same request, answered once."""

import hashlib
import hmac
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self
from uuid import UUID


class KeyInFlightError(Exception):
    """Another request with this idempotency key is being answered."""


class KeyReusedError(Exception):
    """This idempotency key was used for another request."""


@dataclass(frozen=True, kw_only=True)
class Key:
    """A key as the database knows it: its digest and the fingerprint of the request, not the texts."""

    actor_id: UUID
    sha256: bytes
    fingerprint: bytes

    @classmethod
    def of(cls, actor_id: UUID, key: str, *request: bytes) -> Self:
        """Return the key that a caller sent with a request.

        Args:
            actor_id: the caller; each has keys of their own.
            key: the key.
            request: what makes two requests the same: address and body. The fingerprint is an HMAC under
                the key itself, which is not stored: a guess at the body cannot be checked.
        """
        secret = key.encode()
        lengths = b"".join(len(part).to_bytes(8) for part in request)
        return cls(
            actor_id=actor_id,
            sha256=hashlib.sha256(secret).digest(),
            fingerprint=hmac.digest(secret, lengths + b"".join(request), hashlib.sha256),
        )

    @property
    def lock(self) -> int:
        """The number of the lock that whoever answers under this key holds: 64 bits, signed."""
        digest = hashlib.sha256(self.actor_id.bytes + self.sha256).digest()
        return int.from_bytes(digest[:8], signed=True)


class KeysInFlight:
    """The keys that requests of this process hold; between processes the database decides."""

    def __init__(self) -> None:
        self._held: set[int] = set()
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, key: Key) -> Iterator[None]:
        """Hold a key for the `with` block.

        Raises:
            KeyInFlightError: if another request holds it.
        """
        with self._lock:
            if key.lock in self._held:
                raise KeyInFlightError
            self._held.add(key.lock)
        try:
            yield
        finally:
            with self._lock:
                self._held.discard(key.lock)
