"""The description of the API: made from the code, for what the caller may see."""

import pytest
from jsonschema_rs import Draft202012Validator
from schemathesis.specs.openapi.definitions import OPENAPI_31_VALIDATOR
from sqlalchemy import select

from app.extensions import db
from app.identifiers import new_id
from app.models import Model, ModelVersion
from tests.support.cast import GOOD_ROW

URL, OWN = "/openapi.json", "/api/v1/models/churn/predictions"


@pytest.fixture
def described(client, cast):
    """Returns a function that returns the description that a member of the cast gets."""

    def describe(who="owner"):
        answer = client.get(URL, headers=cast[who].bearer)
        assert answer.status_code == 200
        return answer.json

    return describe


def test_it_is_for_callers_only(client):
    assert client.get(URL).status_code == 401
    assert client.get(URL, headers={"Authorization": "Bearer no"}).status_code == 401


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("owner", True),
        ("colleague", True),
        ("stranger", False),
        ("auditor", False),
        ("admin", True),
    ],
)
def test_a_models_own_fields_are_shown_to_those_who_may_ask_it(described, who, sees):
    assert (OWN in described(who)["paths"]) == sees


@pytest.mark.parametrize("who", ["owner", "colleague", "stranger", "auditor", "admin"])
def test_models_are_named_to_those_who_see_them(described, client, cast, who):
    listed = client.get("/api/v1/models", headers=cast[who].bearer).json["data"]
    name, _ = described(who)["paths"]["/api/v1/models/{name}"]["get"]["parameters"]
    assert name["schema"].get("enum", []) == [model["name"] for model in listed]


def test_calls_are_shown_to_those_who_may_make_them(described):
    load, bundle = "/v2/repository/models/{name}/load", "/api/v1/ledger/tile/entries/{path}"
    report = "/api/v1/outcomes"
    assert {who: [path in described(who)["paths"] for path in (load, bundle, report)] for who in ("owner", "auditor", "admin")} == {
        "owner": [False, False, True], "auditor": [False, True, False], "admin": [True, True, True],
    }  # fmt: skip


def test_a_models_own_call_has_its_fields_bounds_and_an_example_that_works(described, client, cast):
    operation = described()["paths"][OWN]["post"]
    content = operation["requestBody"]["content"]["application/json"]
    row = content["schema"]["properties"]["inputs"]["items"]
    assert row["required"] == ["age", "visits", "country"]
    assert (row["properties"]["age"]["minimum"], row["properties"]["age"]["maximum"]) == (0, 150)
    assert row["properties"]["country"]["enum"] == ["DE", "FR", "PL"]
    answer = client.post(OWN, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    told = operation["responses"]["201"]["content"]["application/json"]["schema"]
    items = told["properties"]["predictions"]["items"]["properties"]["output"]
    assert items["properties"]["prediction"]["enum"] == ["no", "yes"]
    Draft202012Validator(items).validate(answer.json["predictions"][0]["output"])
    example = content["example"]
    assert client.post(OWN, json=example, headers=cast["owner"].bearer).status_code == 201


def test_what_is_referred_to_is_there_and_nothing_is_called_alike(described):
    document = described("admin")
    references = set()

    def walk(node):
        if isinstance(node, dict):
            references.update([node["$ref"]] if "$ref" in node else [])
            for one in node.values():
                walk(one)
        elif isinstance(node, list):
            for one in node:
                walk(one)

    walk(document)
    names = document["components"]["schemas"]
    assert {one.removeprefix("#/components/schemas/") for one in references} <= names.keys()
    operations = [one for path in document["paths"].values() for one in path.values()]
    identifiers = [one["operationId"] for one in operations]
    assert len(identifiers) == len(set(identifiers))
    assert all(one["summary"] for one in operations)


@pytest.mark.parametrize("who", ["owner", "stranger", "auditor", "admin"])
def test_it_is_openapi_31(described, who):
    """By the schema that the OpenAPI Initiative publishes."""
    OPENAPI_31_VALIDATOR.validate(described(who))


def test_however_many_models_there_are_it_takes_as_many_statements(described, statements, context):
    described()
    statements.clear()
    described()
    before = len(statements)
    for name in ("a-b", "a--b", "name"):
        copy = Model(id=new_id(), name=name, title=name)
        first = db.session.scalars(select(ModelVersion)).first()
        db.session.add(copy)
        db.session.flush()
        facts = {c.name: getattr(first, c.name) for c in ModelVersion.__table__.columns}
        db.session.add(ModelVersion(**facts | {"model_id": copy.id}))
        db.session.flush()
        copy.active_number = first.number
    db.session.commit()
    statements.clear()
    document = described()
    assert len(statements) == before
    assert "/api/v1/models/a--b/predictions" in document["paths"]
    found = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(found) == len(set(found))
