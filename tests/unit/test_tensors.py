"""Tensors are read as their content types say, and what does not fit is refused where it is."""

import json
import struct

import pytest

from app.protocols.tensors import read_inference, rows_of
from app.services.errors import InvalidInputsError
from ml.signature import InputField, Output, Signature

SIGNATURE = Signature(
    inputs=(InputField(name="born", type="date"), InputField(name="name", type="text")),
    output=Output(type="regression"),
)


def rows(born, *, name="Ada", of_all=None, of_born=None, binary=False):
    text = {"datatype": "BYTES", "shape": [1]}
    parameters, rest = ({"content_type": of_born} if of_born else {}), b""
    if binary:
        rest = struct.pack("<I", len(born)) + born.encode()
        parameters["binary_data_size"] = len(rest)
    given = {"parameters": parameters} | ({} if binary else {"data": [born]})
    inputs = [{"name": "born", **text, **given}, {"name": "name", **text, "data": [name]}]
    document = {"inputs": inputs, "parameters": {"content_type": of_all} if of_all else {}}
    head = json.dumps(document).encode()
    inference = read_inference(head + rest, len(head), 10)
    return rows_of(SIGNATURE, inference.tensors, 10)


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize(
    "born", ["1980-02-29", "1980-02-29T00:00:00", "1980-02-29T00:00:00+01:00", "1980-02-29T00:00:00Z"]
)  # fmt: skip
def test_the_beginning_of_a_day_is_that_day(born, binary):
    assert rows(born, of_born="datetime", binary=binary) == [{"born": "1980-02-29", "name": "Ada"}]


def test_a_time_of_day_is_refused():
    with pytest.raises(InvalidInputsError) as refused:
        rows("1980-02-29T07:30:00", of_born="datetime")
    (fault,) = refused.value.errors
    assert (fault.pointer, fault.message) == (
        "/inputs/0/data",
        "A moment has a time of day, but the model takes a date.",
    )


@pytest.mark.parametrize("born", ["1980-02-30", "yesterday", ""])
def test_what_is_no_moment_is_left_for_the_models_own_check(born):
    assert rows(born, of_born="datetime") == [{"born": born, "name": "Ada"}]


@pytest.mark.parametrize("content_type", [None, "np", "pd", "str"])
def test_other_content_types_leave_texts_as_they_are(content_type):
    found = rows("1980-02-29T00:00:00", of_all=content_type)
    assert found == [{"born": "1980-02-29T00:00:00", "name": "Ada"}]


def test_the_requests_content_type_holds_where_a_tensor_has_none():
    found = rows("1980-02-29T00:00:00", of_all="datetime")
    assert found == [{"born": "1980-02-29", "name": "Ada"}]
    given = rows("MTk4MC0wMi0yOQ==", of_born="base64", of_all="str")
    assert given == [{"born": "1980-02-29", "name": "Ada"}]


def test_a_text_that_looks_like_a_moment_stays_as_it_is():
    assert rows("20240101", of_all="datetime", name="20240101") == [
        {"born": "2024-01-01", "name": "20240101"}
    ]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [({"of_born": "pd_json"}, "/inputs/0/parameters/content_type"), ({"of_all": 1}, "/parameters/content_type")],
)  # fmt: skip
def test_a_content_type_that_is_not_known_is_refused(given, pointer):
    with pytest.raises(InvalidInputsError) as refused:
        rows("x", **given)
    assert refused.value.errors[0].pointer == pointer


def test_a_content_type_is_known_or_refused_whatever_the_datatype():
    tensor = {
        "name": "age",
        "datatype": "FP64",
        "shape": [1],
        "data": [1],
        "parameters": {"content_type": "x"},
    }
    with pytest.raises(InvalidInputsError, match="Give one of: np, pd, str, base64, datetime"):
        read_inference(json.dumps({"inputs": [tensor]}).encode(), None, 10)
