"""Parquet (https://parquet.apache.org) that leaves while it is written. Needs pyarrow, which not every installation has."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from app.query.fields import Kind

_TYPES = {
    Kind.NUMBER: pa.float64(),
    Kind.BOOLEAN: pa.bool_(),
    Kind.DATE: pa.date32(),
    Kind.MOMENT: pa.timestamp("us", "UTC"),
}


class Table:
    """A table whose bytes can be taken away as they come.

    Args:
        columns: names, and the kinds of the values; kinds without a type of their own are text.
    """

    def __init__(self, columns: Sequence[tuple[str, Kind]]) -> None:
        self._schema = pa.schema([(name, _TYPES.get(kind, pa.string())) for name, kind in columns])
        self._dates = [at for at, (_, kind) in enumerate(columns) if kind is Kind.DATE]
        self._sink = _Sink()
        self._writer = pq.ParquetWriter(self._sink, self._schema, compression="zstd")

    def add(self, rows: Sequence[Sequence[Any]]) -> None:
        """Add rows as one row group."""
        columns: list[Sequence[Any]] = list(zip(*rows, strict=True))
        for at in self._dates:
            columns[at] = [one and date.fromisoformat(one) for one in columns[at]]
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(columns, self._schema, strict=True)
        ]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def end(self) -> None:
        """Write what comes last."""
        self._writer.close()

    def written(self) -> bytes:
        """Return what was written since it was asked before."""
        return self._sink.taken()


class _Sink:
    """A file that can only be written on; what was written is handed out once."""

    closed = False

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._size = 0

    def write(self, part: Any) -> int:
        self._parts.append(bytes(part))
        self._size += len(part)
        return len(part)

    def tell(self) -> int:
        return self._size

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        self.closed = True

    def taken(self) -> bytes:
        parts, self._parts = self._parts, []
        return b"".join(parts)
