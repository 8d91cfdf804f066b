"""Signatures: one description that cannot contradict itself."""

import json

import pytest
from jsonschema_rs import Draft202012Validator

from ml.signature import InputField, Output, OutputType, Signature, SignatureError


def field(**members):
    return InputField(**({"name": "age", "type": "number"} | members))


REGRESSION = Output(type=OutputType.REGRESSION)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"type": "float"}, "none of number, integer"),
        ({"name": ""}, "1 to 200 characters"),
        ({"minimum": 2, "maximum": 1}, "above the maximum"),
        ({"minimum": float("nan")}, "finite"),
        ({"type": "text", "minimum": 1}, "only numbers"),
        ({"type": "category"}, "categories"),
        ({"categories": ["a"]}, "categories"),
        ({"type": "category", "categories": ["1", 1]}, "twice"),
        ({"default": 3.0}, "required: false"),
    ],
)
def test_a_field_that_contradicts_itself_is_refused(members, words):
    with pytest.raises(SignatureError, match=words):
        field(**members)


def test_two_inputs_of_one_name_are_refused():
    with pytest.raises(SignatureError, match="same name"):
        Signature(inputs=(field(), field()), output=REGRESSION)


def test_a_signature_without_inputs_is_refused():
    with pytest.raises(SignatureError, match="at least one"):
        Signature(inputs=(), output=REGRESSION)


def test_probabilities_need_classes():
    with pytest.raises(SignatureError, match="classes"):
        Output(type=OutputType.CLASSIFICATION, probabilities=True)


def test_a_signature_survives_being_stored_as_json():
    signature = Signature(
        inputs=(
            field(unit="years", minimum=0, maximum=120, typical=40.0, observed=(18.0, 80.0)),
            field(name="country", type="category", categories=["FR", "DE"]),
            field(name="note", type="text", required=False, default="none"),
        ),
        output=Output(
            type=OutputType.CLASSIFICATION, classes=("no", "yes"), probabilities=True
        ),
    )  # fmt: skip
    assert Signature.from_json(json.loads(json.dumps(signature.to_json()))) == signature


@pytest.mark.parametrize("stored", [{}, {"inputs": [{"nam": 1}], "output": {}}, {"inputs": 3}])
def test_what_is_no_signature_is_refused(stored):
    with pytest.raises(SignatureError):
        Signature.from_json(stored)


def test_the_json_schema_says_what_the_validator_checks():
    signature = Signature(
        inputs=(
            field(unit="years", minimum=0, typical=40.0),
            field(name="country", type="category", categories=["FR"], required=False),
            field(name="born", type="date"),
        ),
        output=REGRESSION,
    )
    assert signature.json_schema() == {
        "type": "object",
        "properties": {
            "age": {"type": "number", "minimum": 0, "description": "In years.", "examples": [40.0]},
            "country": {"enum": ["FR", None]},
            "born": {"type": "string", "format": "date"},
        },
        "required": ["age", "born"],
        "additionalProperties": False,
    }


@pytest.mark.parametrize(
    ("name", "label"), [("living_area", "Living area"), ("x", "X"), ("_", "_")]
)
def test_a_field_without_a_title_is_labelled_by_its_name(name, label):
    assert field(name=name).label == label


@pytest.mark.parametrize(
    ("more", "example"),
    [
        ({}, 40.0),
        ({"minimum": 0, "maximum": 40}, 40.0),
        ({"maximum": 30}, None),
        ({"minimum": 50}, None),
        ({"type": "category", "categories": ["a", "b"], "typical": "a"}, "a"),
        ({"type": "category", "categories": ["b"], "typical": "a"}, None),
        ({"typical": None}, None),
    ],
)
def test_an_example_may_be_sent(more, example):
    """Bounds and categories can be corrected after the typical value was found."""
    item = field(**{"typical": 40.0} | more)
    signature = Signature(inputs=(item,), output=REGRESSION)
    assert item.example == example
    assert signature.example() == (None if example is None else {"age": example})
    assert ("examples" in signature.json_schema()["properties"]["age"]) == (example is not None)


@pytest.mark.parametrize(
    ("output", "good", "bad"),
    [
        (Output(type="regression"), {"prediction": 1.5}, {"prediction": "1"}),
        (Output(type="label"), {"prediction": "a"}, {"prediction": None}),
        (Output(type="classification", classes=[True, False]), {"prediction": True}, {"prediction": 2}),
        (
            Output(type="classification", classes=[0, 1], probabilities=True),
            {"prediction": 0, "probabilities": {"0": 0.75, "1": 0.25}},
            {"prediction": 0, "probabilities": {"0": 0.75}},
        ),
    ],
)  # fmt: skip
def test_the_schema_of_an_answer_fits_it_and_nothing_else(output, good, bad):
    validator = Draft202012Validator(output.json_schema())
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)
    assert not validator.is_valid(good | {"more": 1})
