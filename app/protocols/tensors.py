"""Tensors of the Open Inference Protocol (V2), in JSON and in bytes.

Sources: https://github.com/kserve/open-inference-protocol (inference_rest.md), and the binary tensor data extension of
the same protocol.
"""

import base64
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time
from math import prod
from typing import Any

import numpy as np

from app.decoding import parse
from app.ledger.strict_json import StrictJSONError
from app.protocols.values import row_of, rows_of_columns
from app.services.errors import InvalidInputsError, NotReadableBodyError, invalid_at, invalid_input
from app.services.submissions import refuse_too_many
from ml.signature import FieldType, InputField, Signature

#: Datatypes and how they lie in bytes; texts are of any length.
DTYPES = {
    "BOOL": "?", "UINT8": "<u1", "UINT16": "<u2", "UINT32": "<u4", "UINT64": "<u8", "INT8": "<i1", "INT16": "<i2",
    "INT32": "<i4", "INT64": "<i8", "FP16": "<f2", "FP32": "<f4", "FP64": "<f8",
}  # fmt: skip
TEXT = "BYTES"
_DATATYPES = {FieldType.NUMBER: "FP64", FieldType.INTEGER: "INT64", FieldType.BOOLEAN: "BOOL"}
#: How values are to be understood (MLServer's codecs); what the model's input is decides where nothing is said.
CONTENT_TYPES = ("np", "pd", "str", "base64", "datetime")
_LENGTH = struct.Struct("<I")
_MOST_DIMENSIONS = 8


@dataclass(frozen=True)
class Tensor:
    """A tensor: its values, flat and in row-major order."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    values: Sequence[Any]
    place: int
    content_type: str | None = None


@dataclass(frozen=True)
class Inference:
    """A request: its tensors, what it is called, and what is wanted."""

    id: str | None
    tensors: Sequence[Tensor]
    outputs: Sequence[Mapping[str, Any]]
    wants_bytes: bool


def datatype_of_input(item: InputField) -> str:
    """Return the datatype that a model's input is announced with."""
    if item.categories and all(isinstance(one, int) for one in item.categories):
        return "INT64"
    return _DATATYPES.get(item.type, TEXT)


def read_inference(body: bytes, json_length: int | None, most: int) -> Inference:
    """Read the body of a request.

    Args:
        body: JSON, and behind it the bytes of tensors.
        json_length: how long the JSON is; all of it, if there are no bytes.
        most: how many rows there may be.

    Raises:
        NotReadableBodyError, InvalidInputsError: what is wrong, and where.
    """
    document, rest = _document(body, json_length)
    given, parameters = document.get("inputs"), document.get("parameters", {})
    if not isinstance(given, list) or not given:
        raise invalid_input("inputs", "Send a list of tensors.")
    if not isinstance(parameters, dict):
        raise invalid_input("parameters", "Send an object.")
    data, usual = _Bytes(rest), _content_type(parameters, "parameters")
    tensors = [_tensor(one, at, data, most, usual) for at, one in enumerate(given)]
    if data.left:
        raise NotReadableBodyError(f"{data.left} bytes are left behind the last tensor.")
    outputs = document.get("outputs", [])
    if not isinstance(outputs, list) or not all(isinstance(one, dict) for one in outputs):
        raise invalid_input("outputs", "Send a list of objects with a name.")
    wanted = [one.get("name") for one in outputs]
    if len(wanted) > len(set(map(str, wanted))):
        raise invalid_input("outputs", "An output is there twice.")
    identifier = document.get("id")
    if identifier is not None and not isinstance(identifier, str):
        raise invalid_input("id", "Send text.")
    return Inference(
        identifier or None, tensors, outputs, parameters.get("binary_data_output") is True
    )


def rows_of(signature: Signature, tensors: Sequence[Tensor], most: int) -> list[Any]:
    """Return the rows that tensors are: a column each, if they are named like inputs; or all of them in one matrix.

    Raises:
        InvalidInputsError: if they are neither.
    """
    if {tensor.name for tensor in tensors} & set(signature.names):
        return _rows_of_columns(signature, tensors, most)
    (first, *others) = tensors
    width = len(signature.inputs)
    if others or len(first.shape) != 2 or first.shape[1] != width:
        raise invalid_input(
            "inputs",
            "Send a tensor for each input, named like it, or one of the shape"
            f" [rows, {width}] with the inputs in the order of the model's.",
        )
    values = first.values
    return [row_of(signature, list(values[at : at + width])) for at in range(0, len(values), width)]


def _rows_of_columns(signature: Signature, tensors: Sequence[Tensor], most: int) -> list[Any]:
    columns: dict[str, Sequence[Any]] = {}
    for tensor in tensors:
        if len(tensor.shape) not in (1, 2) or prod(tensor.shape[1:]) != 1:
            raise _fault(tensor.place, "shape", "A column has the shape [rows] or [rows, 1].")
        if tensor.name in columns:
            raise _fault(tensor.place, "name", "This input is there twice.")
        columns[tensor.name] = _as_field(signature, tensor)
    if len({len(values) for values in columns.values()}) > 1:
        raise invalid_input("inputs", "The columns have different numbers of rows.")
    return rows_of_columns(signature, columns, most)


def _as_field(signature: Signature, tensor: Tensor) -> Sequence[Any]:
    """Return the values of a column: moments as days, where they are said to be moments and the model takes days."""
    if tensor.content_type != "datetime" or tensor.name not in signature.names:
        return tensor.values
    if signature[tensor.name].type is not FieldType.DATE:
        return tensor.values
    return [_day_of(value, tensor.place) for value in tensor.values]


def encoded(datatype: str, values: Sequence[Any]) -> bytes:
    """Return values as the bytes of a tensor."""
    if datatype != TEXT:
        return np.array(values, DTYPES[datatype]).tobytes()
    texts = [str(value).encode() for value in values]
    return b"".join(_LENGTH.pack(len(text)) + text for text in texts)


def _document(body: bytes, json_length: int | None) -> tuple[dict[str, Any], bytes]:
    end = len(body) if json_length is None else json_length
    if not 0 <= end <= len(body):
        raise NotReadableBodyError(
            f"The header says that the JSON has {end} bytes, but the body has {len(body)}."
        )
    try:
        document = parse(body[:end])
    except StrictJSONError as error:
        raise NotReadableBodyError(f"The body is no JSON that is accepted here: {error}.") from None
    if not isinstance(document, dict):
        raise NotReadableBodyError("Send an object with inputs.")
    return document, body[end:]


class _Bytes:
    """The bytes behind the JSON, taken tensor by tensor."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, count: int, place: int) -> bytes:
        if count > self.left:
            raise _fault(place, "parameters", f"{count} bytes are announced, {self.left} are left.")
        self._at += count
        return self._data[self._at - count : self._at]


def _tensor(given: Any, at: int, data: _Bytes, most: int, usual: str | None) -> Tensor:
    if not isinstance(given, dict) or not isinstance(given.get("name"), str):
        why = "Send an object with name, shape, datatype and data."
        raise invalid_at("inputs", at, why=why)
    datatype: Any = given.get("datatype")
    shape: Any = given.get("shape")
    if not isinstance(datatype, str) or (datatype != TEXT and datatype not in DTYPES):
        raise _fault(at, "datatype", f"Give one of: {', '.join([*DTYPES, TEXT])}.")
    _check_shape(shape, at, most)
    parameters = given.get("parameters") or {}
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is None:
        values = list(_flat(given.get("data"), at, len(shape)))
        values = [_from_json(datatype, one, at) for one in values]
    elif type(size) is int and size >= 0:
        values = _from_bytes(datatype, data.take(size, at), at)
    else:
        raise _fault(at, "parameters", "binary_data_size is a number of bytes.")
    if len(values) != prod(shape):
        raise _fault(
            at, "data", f"The shape has {prod(shape)} values, but there are {len(values)}."
        )
    said = _content_type(parameters, "inputs", at, "parameters") or usual
    if datatype == TEXT:
        values = [_decoded(one, at, is_base64=said == "base64") for one in values]
    return Tensor(given["name"], datatype, tuple(shape), values, at, said)


def _check_shape(shape: Any, at: int, most: int) -> None:
    if not isinstance(shape, list) or not all(type(n) is int and 0 <= n < 2**31 for n in shape):
        raise _fault(at, "shape", "Give a list of sizes.")
    if len(shape) > _MOST_DIMENSIONS:
        raise _fault(at, "shape", f"A tensor has at most {_MOST_DIMENSIONS} dimensions.")
    refuse_too_many(shape[0] if shape else 1, most)


def _flat(data: Any, at: int, depth: int) -> Iterator[Any]:
    """Yield the values of data that is flat, or nested as the shape is."""
    if not isinstance(data, list):
        raise _fault(at, "data", "Send a list of values.")
    for one in data:
        if isinstance(one, list) and depth > 1:
            yield from _flat(one, at, depth - 1)
        else:
            yield one


def _from_json(datatype: str, value: Any, at: int) -> Any:
    if value is None or datatype == TEXT:
        return value
    if datatype == "FP16":
        raise _fault(at, "datatype", "FP16 has no form in JSON: send bytes.")
    if datatype == "BOOL":
        return bool(value) if value in (0, 1) else _refuse_value(at, datatype)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _refuse_value(at, datatype)
    if datatype.startswith("FP"):
        return float(value)
    low, high = np.iinfo(DTYPES[datatype]).min, np.iinfo(DTYPES[datatype]).max
    if value != int(value) or not low <= value <= high:
        return _refuse_value(at, datatype)
    return int(value)


def _refuse_value(at: int, datatype: str) -> Any:
    raise _fault(at, "data", f"A value is no {datatype}.")


def _from_bytes(datatype: str, data: bytes, at: int) -> list[Any]:
    if datatype == TEXT:
        return list(_texts(data, at))
    width = np.dtype(DTYPES[datatype]).itemsize
    if len(data) % width:
        raise _fault(at, "parameters", f"{len(data)} bytes are no whole number of {datatype}.")
    found: list[Any] = np.frombuffer(data, DTYPES[datatype]).tolist()
    return found


def _texts(data: bytes, at: int) -> Iterator[bytes]:
    place = 0
    while place < len(data):
        if len(data) - place < _LENGTH.size:
            raise _fault(at, "parameters", "The bytes end within the length of a text.")
        (length,) = _LENGTH.unpack_from(data, place)
        place += _LENGTH.size
        if length > len(data) - place:
            raise _fault(at, "parameters", "The bytes end within a text.")
        yield data[place : place + length]
        place += length


def _content_type(parameters: Any, *places: str | int) -> str | None:
    said = parameters.get("content_type") if isinstance(parameters, dict) else None
    if said is not None and said not in CONTENT_TYPES:
        raise invalid_at(*places, "content_type", why=f"Give one of: {', '.join(CONTENT_TYPES)}.")
    return said


def _decoded(value: Any, at: int, *, is_base64: bool) -> Any:
    try:
        if is_base64 and isinstance(value, str | bytes):
            value = base64.b64decode(value, validate=True)
        return value.decode() if isinstance(value, bytes) else value
    except ValueError:
        raise _fault(at, "data", "A text is not in UTF-8, or no base64.") from None


def _day_of(value: Any, at: int) -> Any:
    """Return the day that begins with a moment (ISO 8601)."""
    if not isinstance(value, str):
        return value
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return value  # It is refused as any other date that is none.
    if moment.time() != time():
        raise _fault(at, "data", "A moment has a time of day, but the model takes a date.")
    return moment.date().isoformat()


def _fault(at: int, name: str, message: str) -> InvalidInputsError:
    return invalid_at("inputs", at, name, why=message)
