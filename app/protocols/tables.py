"""Tables of MLflow's scoring protocol, and instances of TensorFlow's (KServe's V1)."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any

from app.decoding import parse
from app.ledger.strict_json import StrictJSONError
from app.protocols.values import from_text, refuse_unknown, row_of, rows_of_columns
from app.services.errors import NotReadableBodyError, invalid_at, invalid_input
from app.services.submissions import refuse_too_many
from ml.signature import Signature
from ml.validation import Row

SHAPES = ("dataframe_split", "dataframe_records", "instances", "inputs")


def read_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object that a body is.

    Raises:
        NotReadableBodyError: if it is none.
    """
    try:
        document = parse(body)
    except StrictJSONError as error:
        raise NotReadableBodyError(f"The body is no JSON that is accepted here: {error}.") from None
    if not isinstance(document, dict):
        raise NotReadableBodyError("Send an object.")
    return document


def rows_of_instances(signature: Signature, given: Any) -> list[Any]:
    """Return the rows of instances: objects by name, or lists in the model's order.

    Raises:
        InvalidInputsError: if it is no list.
    """
    if not isinstance(given, list):
        raise invalid_input("instances", "Send a list of rows.")
    return [row_of(signature, one) for one in given]


def rows_of_table(signature: Signature, document: dict[str, Any], most: int) -> list[Any]:
    """Return the rows of one of MLflow's four shapes.

    Raises:
        InvalidInputsError: if there is not exactly one, or it has no such form.
    """
    there = [name for name in SHAPES if name in document]
    if len(there) != 1:
        raise invalid_at(why=f"Send exactly one of: {', '.join(SHAPES)}.")
    given = document[there[0]]
    match there[0]:
        case "dataframe_split":
            return _rows_of_split(signature, given, most)
        case "inputs" if isinstance(given, dict):
            return _rows_of_columns(signature, given, most)
    if not isinstance(given, list):
        raise invalid_input(there[0], "Send a list of rows.")
    return [row_of(signature, one) for one in given]


def rows_of_csv(signature: Signature, body: bytes, most: int) -> list[Row]:
    """Return the rows of a CSV table with a heading.

    Raises:
        NotReadableBodyError: if it is none.
    """
    try:
        reader = csv.reader(StringIO(body.decode("utf-8-sig"), newline=""), strict=True)
        heading = next(reader, [])
        refuse_unknown(signature, heading)
        rows: list[list[str]] = []
        for row in reader:
            if row and len(row) != len(heading):
                raise NotReadableBodyError(
                    f"Line {reader.line_num} has {len(row)} cells, the heading {len(heading)}."
                )
            rows += [row] if row else []
            refuse_too_many(len(rows), most)
    except (UnicodeDecodeError, csv.Error) as error:
        raise NotReadableBodyError(f"The body is no CSV in UTF-8: {error}.") from None
    known = {item.name: item for item in signature.inputs}
    return [
        {name: from_text(known[name], cell) for name, cell in zip(heading, row, strict=True)}
        for row in rows
    ]


def _rows_of_split(signature: Signature, given: Any, most: int) -> list[Any]:
    if not isinstance(given, dict) or not isinstance(given.get("data"), list):
        raise invalid_input("dataframe_split", "Send an object with columns and data.")
    columns = given.get("columns", list(signature.names))
    if not isinstance(columns, list) or not all(isinstance(name, str) for name in columns):
        raise invalid_at("dataframe_split", "columns", why="Send a list of names.")
    rows = given["data"]
    refuse_unknown(signature, columns)
    refuse_too_many(len(rows), most)
    for at, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != len(columns):
            why = "Send a value for each column."
            raise invalid_at("dataframe_split", "data", at, why=why)
    return [row_of(signature, dict(zip(columns, row, strict=True))) for row in rows]


def _rows_of_columns(signature: Signature, given: dict[str, Any], most: int) -> list[Any]:
    columns: dict[str, Sequence[Any]] = {}
    for name, values in given.items():
        columns[name] = values if isinstance(values, list) else [values]
    if len({len(values) for values in columns.values()}) > 1:
        raise invalid_input("inputs", "The columns have different numbers of rows.")
    return rows_of_columns(signature, columns, most)
