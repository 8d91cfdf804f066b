"""The whole book: every record exactly one leaf, every leaf a record or explained, every checkpoint on one chain.

Leaves are read once, in their order; memory stays flat.
"""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, NamedTuple, Protocol

from .errors import Finding, Rejected, printable
from .keyring import Keyring
from .memory import Memory
from .merkle import Tree, hash_leaf
from .notes import open_checkpoint, read_size
from .records import check_parts, compare, missing_parts, read_envelope, read_record
from .tiles import Tiles

_AT_ONCE = 1000
#: Findings beyond these are counted and not kept: of a book that is another one there are millions.
MOST_FINDINGS = 10_000


class Stored(NamedTuple):
    """A leaf as it is stored, and the record that belongs to it, if it is there."""

    place: int
    entry: bytes
    record: dict[str, Any] | None
    #: Under which kind and id it is filed, where leaves are.
    label: tuple[str, str] | None = None


class Source(Protocol):
    """Where a book is read from."""

    def checkpoints(self) -> Iterator[bytes]:
        """Yield all checkpoints, the smallest first."""

    def leaves(self) -> Iterator[Stored]:
        """Yield all leaves in their order."""

    def tile(self, level: int, number: int) -> bytes | None:
        """Return a tile, as wide as the book is large."""

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with what belongs to no leaf; asked when all leaves are read."""

    def waiting(self) -> int:
        """Return how many records wait to be sealed: nothing can be said of them yet."""


@dataclass
class Report:
    """What was checked, and what was found.

    `size` and `root` are those of the newest checkpoint that holds. `erased` counts the parts, `dropped`
    the records that are gone as leaves say. Of `faults` findings the first are in `findings`.
    """

    leaves: int = 0
    records: int = 0
    checkpoints: int = 0
    erased: int = 0
    dropped: int = 0
    waiting: int = 0
    size: int = 0
    root: bytes = b""
    faults: int = 0
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    def add(self, finding: Finding) -> None:
        """Count a finding, and keep it if there are not too many."""
        self.faults += 1
        if self.faults <= MOST_FINDINGS:
            self.findings.append(finding)

    def lines(self) -> Iterator[str]:
        """Yield what people are told."""
        yield (
            f"{self.leaves:,} leaves, {self.records:,} records, {self.checkpoints:,} checkpoints;"
            f" as leaves say, {self.dropped:,} records are dropped and {self.erased:,} parts erased."
        )
        if self.waiting:
            yield (
                f"{self.waiting:,} records wait to be sealed: nothing can be said of them yet, and what"
                " they explain (an erasure, a month that was dropped) is a finding until then."
            )
        for finding in self.findings:
            yield f"WRONG: {printable(str(finding))}."
        if self.faults:
            yield f"{self.faults:,} findings. What is named above is not what was sealed."
        elif self.leaves:
            yield f"GOOD: the book of size {self.size} has the root {self.root.hex()}."
        else:
            yield "The book is empty: nothing is sealed."


def verify_book(
    source: Source,
    keyring: Keyring,
    *,
    held: Iterable[bytes] = (),
    receipts: Mapping[str, str] | None = None,
    progress: Callable[[int], None] = lambda _: None,
) -> Report:
    """Check a whole book.

    Args:
        source: the book.
        keyring: whose signatures count.
        held: checkpoints that were kept elsewhere.
        receipts: leaf hashes (hexadecimal) that clients were answered, by the records' ids.
        progress: called now and then with the number of leaves read.
    """
    check = _Check(source, keyring, dict(receipts or {}))
    check.run(held, progress)
    return check.report


class _Check:
    def __init__(self, source: Source, keyring: Keyring, receipts: dict[str, str]) -> None:
        self.report = Report()
        self._source, self._keyring, self._receipts = source, keyring, receipts
        self._tree, self._tiles, self._memory = Tree(), Tiles(source.tile), Memory()
        self._lost = ""
        self._begins = True

    def run(self, held: Iterable[bytes], progress: Callable[[int], None]) -> None:
        due = self._checkpoints_in_order(held)
        size, note, where = next(due, _NONE)
        for leaf in self._source.leaves():
            while size == self._tree.size:
                self._check_checkpoint(note, where)
                size, note, where = next(due, _NONE)
            self._check_leaf(leaf)
            if self.report.leaves % _AT_ONCE == 0:
                progress(self.report.leaves)
        while size <= self._tree.size:
            self._check_checkpoint(note, where)
            size, note, where = next(due, _NONE)
        while size != _NEVER:
            self._find(where, f"tells of {size} leaves, but the book has {self._tree.size}")
            size, note, where = next(due, _NONE)
        self._finish()

    def _finish(self) -> None:
        report = self.report
        self._find_all("the tree", self._tiles.finish())
        report.waiting = self._source.waiting()
        found = self._memory.finish(some_wait=bool(report.waiting))
        for finding in chain(found, self._source.findings()):
            report.add(finding)
        report.erased, report.dropped = self._memory.erased, self._memory.dropped
        for identifier in self._receipts:
            self._find(f"record {identifier}", "has a receipt, but is not in the book")
        if report.size < self._tree.size:
            self._find("the book", f"no checkpoint is signed for its {self._tree.size} leaves")

    def _checkpoints_in_order(self, held: Iterable[bytes]) -> Iterator[tuple[int, bytes, str]]:
        stored = self._sized(self._source.checkpoints(), "the stored checkpoint")
        kept = sorted(self._sized(held, "the checkpoint that was kept"))
        return heapq.merge(stored, kept)

    def _sized(self, notes: Iterable[bytes], where: str) -> Iterator[tuple[int, bytes, str]]:
        for note in notes:
            try:
                size = read_size(note)
            except Rejected as why:
                self._find(where, str(why))
            else:
                yield size, note, f"{where} of size {size}"

    def _check_checkpoint(self, note: bytes, where: str) -> None:
        self.report.checkpoints += 1
        try:
            checkpoint = open_checkpoint(note, self._keyring.trusted)
        except Rejected as why:
            self._find(where, str(why))
            return
        if checkpoint.root != self._tree.root():
            self._find(where, "has another root than the leaves: something before it was changed")
        elif checkpoint.size == self._tree.size:
            self.report.size, self.report.root = checkpoint.size, checkpoint.root

    def _check_leaf(self, leaf: Stored) -> None:
        where = f"leaf {leaf.place}"
        if leaf.place != self._tree.size:
            self._find(where, f"stands where leaf {self._tree.size} should")
        hashed = hash_leaf(leaf.entry)
        self._tree.append(hashed)
        self._find_all(where, self._tiles.append(hashed))
        self.report.leaves += 1
        try:
            said = read_envelope(leaf.entry)
        except Rejected as why:
            self._find(where, str(why))
            return
        where = f"leaf {leaf.place} ({said['kind']} {said['id']})"
        self._memory.note(said, leaf.place)
        if leaf.label is not None and leaf.label != (said["kind"], said["id"]):
            self._find(where, f"is filed as another record, {' '.join(leaf.label)}")
        if self._receipts.pop(said["id"], hashed.hex()) != hashed.hex():
            self._find(where, "is not what the receipt says")
        self._check_record(where, said, leaf)
        try:
            self._obey(where, said)
        except Rejected as why:
            self._find(where, f"does not say what it should: {why}")

    def _check_record(self, where: str, said: dict[str, Any], leaf: Stored) -> None:
        if leaf.record is None:
            self._memory.miss(said, leaf.place)
            return
        self.report.records += 1
        try:
            record = read_record(leaf.record)
        except Rejected as why:
            self._find(where, str(why))
            return
        self._find_all(where, compare(said, record))
        self._find_all(where, check_parts(said, record))
        for part in missing_parts(said, record):
            self._memory.miss(said, leaf.place, part)

    def _obey(self, where: str, said: dict[str, Any]) -> None:
        """Take note of a leaf that explains what is missing, or who signs from here on."""
        kind, what = said["kind"], said.get("what", {})
        self._begins = self._begins and kind == "loss"
        if kind == "loss":
            if not self._begins:
                raise Rejected(
                    "a book tells of the loss of another where it begins, and nowhere else"
                )
            self._lost = max(self._lost, said["id"])
        elif kind == "erasure":
            self._memory.erase(where, what)
        elif said["id"] < self._lost:
            return  # It was done to the book that was lost: here nothing is missing for it.
        elif kind == "key_change":
            self._keyring.change(what)
        elif kind == "retention":
            self._memory.drop(where, what)

    def _find(self, where: str, what: str) -> None:
        self.report.add(Finding(where, what))

    def _find_all(self, where: str, what: Iterable[str]) -> None:
        for one in what:
            self._find(where, one)


_NEVER = 2**70
_NONE = (_NEVER, b"", "")
