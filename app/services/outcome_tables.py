"""Outcomes in a table: CSV with a column `outcome`, and `id` or `reference`; an export with one more column will do."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO

from app.access import Caller
from app.services.errors import InputFault, InvalidInputsError, pointer_to
from app.services.reporting import MOST_AT_ONCE, Report, Result, report_outcomes
from app.spreadsheet import as_it_was
from ml.truth import read_written_truth

_VALUE, _NAMES = "outcome", ("id", "reference")


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line of a table, counted from 1 with the heading; and what became of its report."""

    number: int
    named: str
    value: str
    result: Result


def report_table(caller: Caller, content: bytes) -> list[Line]:
    """Record the outcomes of a table; return what became of each line that has one.

    Raises:
        InvalidInputsError: if it is no table of outcomes.
    """
    lines = list(_lines(_decoded(content)))
    if len(lines) > MOST_AT_ONCE:
        raise _fault(f"Send at most {MOST_AT_ONCE:,} lines at once; these are {len(lines):,}.")
    results = report_outcomes(caller, [report for _, report in lines], read=read_written_truth)
    return [
        Line(number=number, named=report.id or report.reference or "", value=report.value, result=result)
        for (number, report), result in zip(lines, results, strict=True)
    ]  # fmt: skip


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _fault(f"It is not in UTF-8, from byte {error.start:,} on.") from None


def _lines(text: str) -> Iterator[tuple[int, Report]]:
    """Yield the reports and the numbers of their lines; lines without an outcome are passed over."""
    rows = csv.reader(StringIO(text, newline=""), delimiter=_delimiter(text), strict=True)
    try:
        places = _places([name.strip().casefold() for name in next(rows, [])])
        for row in rows:
            found = {name: as_it_was(row[at]) for name, at in places.items() if at < len(row)}
            if value := found.get(_VALUE, "").strip():
                identifier, reference = found.get("id", "").strip(), found.get("reference")
                report = Report(value=value, id=identifier or None, reference=reference or None)
                yield rows.line_num, report
    except csv.Error as error:
        raise _fault(f"Line {rows.line_num:,} is not CSV: {error}.") from None


def _delimiter(text: str) -> str:
    heading = text.partition("\n")[0]
    return max(",;\t", key=heading.count)


def _places(heading: Sequence[str]) -> dict[str, int]:
    for name in _NAMES:
        if heading.count(name) > 1:
            raise _fault(f"Its first line names the column {name} twice.")
    # Of several outcomes the last one: an export has a column of those that are known already.
    places = {name: at for at, name in enumerate(heading) if name in (_VALUE, *_NAMES)}
    if _VALUE not in places or len(places) < 2:
        raise _fault("Its first line names no column outcome, and id or reference.")
    return places


def _fault(message: str) -> InvalidInputsError:
    return InvalidInputsError(message, [InputFault(pointer_to("file"), message)])
