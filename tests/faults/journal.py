"""The oracle of the fault suite: clients outside the service, and what they were told.

Each request carries a reference that nobody else uses. A client with keys asks until it is answered; one
without asks once. Whatever happens in between, at the end the book must hold what was acknowledged, with
the very answers, and nothing twice.
"""

import http.client
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from zlib import crc32

import orjson

from tests.support.cast import GOOD_ROW
from tests.support.live import NotJSONError, Session

PATH = "/api/v1/models/churn/predictions"
#: What a client may be told, and may try again.
RETRIABLE = {409, 503}
RECOVERY_SECONDS = 5.0
#: Between two requests of a client: starting workers over and over needs the processors, too.
_PAUSE_SECONDS = 0.01
_LONGEST_GOODBYE_SECONDS = 30.0


@dataclass
class Entry:
    """One request: its reference, its key if it has one, and the answer's predictions once there are some."""

    reference: str
    rows: int
    key: str | None
    predictions: list[dict] | None = None
    answered_at: float = 0.0

    @property
    def references(self) -> list[str]:
        return [f"{self.reference}/{row}" for row in range(self.rows)]

    def body(self) -> bytes:
        age = 18 + crc32(self.reference.encode()) % 600 / 10
        inputs = [GOOD_ROW | {"age": age + row} for row in range(self.rows)]
        return orjson.dumps({"inputs": inputs, "references": self.references})

    def headers(self) -> dict[str, str]:
        json = {"Content-Type": "application/json"}
        return json | ({"Idempotency-Key": self.key} if self.key else {})


@dataclass
class Journal:
    """Everything that was asked and answered, by all clients."""

    entries: list[Entry] = field(default_factory=list)
    surprises: list[str] = field(default_factory=list)
    troubles: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    slowest_recovery: float = 0.0
    unheard: list[Entry] = field(default_factory=list)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, entry: Entry) -> None:
        with self._changed:
            self.entries.append(entry)

    def note_answer(self, entry: Entry, predictions: list[dict]) -> None:
        with self._changed:
            entry.predictions, entry.answered_at = predictions, time.monotonic()
            self._changed.notify_all()

    def note_trouble(self, what: str) -> None:
        with self._changed:
            self.troubles[what] += 1
            self._changed.notify_all()

    def answered(self) -> list[Entry]:
        with self._changed:
            return [entry for entry in self.entries if entry.predictions is not None]

    def wait_for_answers(self, count: int = 3, *, within: float = RECOVERY_SECONDS) -> None:
        """Wait for so many further answers."""
        began = time.monotonic()
        fresh: list[Entry] = []

        def enough() -> bool:
            nonlocal fresh
            fresh = [one for one in self.entries[-500:] if one.answered_at > began]
            return len(fresh) >= count

        with self._changed:
            assert self._changed.wait_for(enough, within), (
                f"no {count} answers in {within} s: {dict(self.troubles)}"
            )
        self.slowest_recovery = max(self.slowest_recovery, time.monotonic() - began)

    def wait_for_troubles(self, what: str, count: int, *, within: float) -> None:
        """Wait until clients have been told something so many times in all."""
        with self._changed:
            enough = self._changed.wait_for(lambda: self.troubles[what] >= count, within)
            assert enough, f"no {count} times {what} in {within} s: {dict(self.troubles)}"

    def summary(self) -> str:
        """What clients saw, for people."""
        seen = ", ".join(
            f"{count} × {what}" for what, count in sorted(self.troubles.items()) if count
        )
        return (
            f"{len(self.answered()):,} of {len(self.entries):,} requests answered, again after at most"
            f" {self.slowest_recovery:.1f} s; in between: {seen or 'nothing'}"
        )


class Clients:
    """Clients that ask for as long as the `with` block lasts, half of them with keys; then each finishes."""

    def __init__(
        self, journal: Journal, port: int, headers: dict[str, str], count: int = 6
    ) -> None:
        self._journal, self._port, self._headers = journal, port, headers
        self._stop, self._end = threading.Event(), float("inf")
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(count)]

    def __enter__(self) -> Journal:
        for thread in self._threads:
            thread.start()
        return self._journal

    def __exit__(self, *_: object) -> None:
        self._end = time.monotonic() + _LONGEST_GOODBYE_SECONDS
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _run(self, number: int) -> None:
        connection = _Connection(self._port, self._headers)
        turn = 0
        while not self._stop.wait(_PAUSE_SECONDS):
            turn += 1
            reference = f"{number}-{turn}"
            entry = Entry(reference, 1 + turn % 3, f"key {reference}" if number % 2 else None)
            self._journal.add(entry)
            self._ask(connection, entry)
        connection.close()

    def _ask(self, connection: "_Connection", entry: Entry) -> None:
        """Ask once, or with a key until there is an answer."""
        while time.monotonic() < self._end:
            try:
                status, document = connection.post(entry)
            except NotJSONError as error:
                self._journal.surprises.append(f"not JSON: {error}")
                return
            if status == 201:
                self._journal.note_answer(entry, document["predictions"])
                return
            self._journal.note_trouble(str(status or document))
            if status is not None and status not in RETRIABLE:
                self._journal.surprises.append(f"{status}: {document}")
                return
            time.sleep(0.05)  # As a client's back-off.
            if entry.key is None:
                return
        self._journal.surprises.append(f"never answered: {entry}")


class _Connection:
    def __init__(self, port: int, headers: dict[str, str]) -> None:
        self._open: Callable[[], Session] = lambda: Session(port, headers)
        self._session = self._open()

    def post(self, entry: Entry) -> tuple[int | None, object]:
        """Return status and document; no status and the reason if the connection was lost."""
        try:
            answer = self._session.request("POST", PATH, entry.body(), **entry.headers())
            return answer.status, answer.json()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            self._session = self._open()
            return None, type(error).__name__

    def close(self) -> None:
        self._session.__exit__()


def check(journal: Journal, stored: Sequence[tuple[str, str, int, str, str]]) -> None:
    """Compare the journal with the book.

    Args:
        journal: what the clients were told.
        stored: reference, id, row, output and request id of each accepted record.

    Those that were recorded although nobody heard the answer are `journal.unheard` then.
    """
    by_reference = defaultdict(list)
    for reference, *record in stored:
        by_reference[reference].append(record)
    twice = {reference: found for reference, found in by_reference.items() if len(found) > 1}
    assert not twice, f"{len(twice)} requests were recorded twice: {list(twice.items())[:3]}"
    for entry in journal.entries:
        found = [by_reference.get(reference) for reference in entry.references]
        assert all(found) or not any(found), f"{entry} is recorded in part: {found}"
        if entry.predictions is not None:
            assert all(found), f"{entry} was acknowledged and is lost"
            kept = [(identifier, orjson.loads(output)) for ((identifier, _, output, _),) in found]
            assert kept == [(p["id"], p["output"]) for p in entry.predictions], entry
            assert len({request for ((*_, request),) in found}) == 1
        elif all(found):
            journal.unheard.append(entry)
    assert not journal.surprises, journal.surprises[:3]
    asked = {reference for entry in journal.entries for reference in entry.references}
    assert by_reference.keys() <= asked
