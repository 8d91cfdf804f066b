"""Counters, gauges and histograms that cost a prediction little.

`prometheus_client` shares counts between processes by a file for each process and kind of metric, which
`MultiProcessCollector` adds up. Its own way of writing there takes seven calls of Python and one of the system for
each count: for the nineteen of a prediction as much as a third of all else that is done for it. Here a value takes one.
"""

import mmap
import os
import struct
import threading
from bisect import bisect_left
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import prometheus_client
from prometheus_client.mmap_dict import MmapedDict, mmap_key

_LENGTH = struct.Struct("i")
_VALUE = struct.Struct("dd")  # The value, and a time that only some gauges have.
_lock = threading.Lock()


class Counter(prometheus_client.Counter):
    """A count that only grows, by `add`; counts of the same name and other labels are its children."""

    def _metric_init(self) -> None:
        super()._metric_init()
        self.add: Callable[[float], None] = self._value.inc


class Gauge(prometheus_client.Gauge):
    """How many there are: `add` what has come, or less than nothing for what has gone."""

    def _metric_init(self) -> None:
        super()._metric_init()
        self.add: Callable[[float], None] = self._value.inc


class Histogram(prometheus_client.Histogram):
    """How often something was at most so much."""

    def observe(self, amount: float, exemplar: dict[str, str] | None = None) -> None:  # noqa: ARG002
        """Count an amount."""
        self._sum.inc(amount)
        self._buckets[bisect_left(self._upper_bounds, amount)].inc(1)


class SharedValue:
    """A value in this process's file; instead of `prometheus_client.values.MultiProcessValue`'s.

    Args:
        kind: of the metric.
        metric: its name.
        name: of the value: one metric may have several.
        labels: their names.
        given: what they are.
        words: what the metric says of itself.
        multiprocess_mode: how a gauge is added up.
    """

    _multiprocess = True

    def __init__(
        self, kind: str, metric: str, name: str, labels: list[str], given: list[str], words: str,
        multiprocess_mode: str = "", **_: Any,
    ) -> None:  # fmt: skip
        self._kind = f"{kind}_{multiprocess_mode}" if kind == "gauge" else kind
        self._key = mmap_key(metric, name, labels, given, words)
        with _lock:
            self._open()
        _values.append(self)

    def _open(self) -> None:
        file = _file(self._kind)
        self._memory = file.memory
        self._value, self._place = file.place(self._key)

    def inc(self, amount: float) -> None:
        """Add to it."""
        with _lock:
            self._value += amount
            # As a whole, so that whoever reads the file never sees a half.
            self._memory[self._place] = _VALUE.pack(self._value, 0.0)

    def get(self) -> float:
        """Return it."""
        return self._value


class _File:
    """Values by their keys, as `prometheus_client.mmap_dict.MmapedDict` reads them: it says how they lie there."""

    def __init__(self, path: Path) -> None:
        # Numbers of processes return: what the last one counted stays.
        before = MmapedDict(str(path))  # type: ignore[no-untyped-call]
        self._places = {
            key: slice(at, at + _VALUE.size)
            for key, _, _, at in before._read_all_values()  # type: ignore[no-untyped-call]
        }
        before.close()  # type: ignore[no-untyped-call]
        with path.open("r+b") as file:
            self.memory = mmap.mmap(file.fileno(), 0)
        (self._end,) = _LENGTH.unpack_from(self.memory)

    def place(self, key: str) -> tuple[float, slice]:
        """Return the value of a key, 0 if it is new, and where it is."""
        if key not in self._places:
            self._append(key)
        place = self._places[key]
        return _VALUE.unpack(self.memory[place])[0], place

    def _append(self, key: str) -> None:
        text = key.encode()
        filled = b" " * (8 - (len(text) + _LENGTH.size) % 8)
        entry = _LENGTH.pack(len(text)) + text + filled + _VALUE.pack(0.0, 0.0)
        end = self._end + len(entry)
        while end > len(self.memory):
            self.memory.resize(2 * len(self.memory))
        self.memory[self._end : end] = entry
        self.memory[: _LENGTH.size] = _LENGTH.pack(end)
        self._places[key], self._end = slice(end - _VALUE.size, end), end


@cache
def _file(kind: str) -> _File:
    folder = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    return _File(folder / f"{kind}_{os.getpid()}.db")


def _begin_anew() -> None:
    """Count into files of its own in a forked process, as some servers' workers are."""
    global _lock
    _lock = threading.Lock()
    _file.cache_clear()
    for value in _values:
        value._open()


_values: list[SharedValue] = []
os.register_at_fork(after_in_child=_begin_anew)
