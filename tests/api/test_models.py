"""Reading models by API."""

import pytest

from ml.signature import Signature


@pytest.mark.parametrize(
    ("who", "sees"),
    [("owner", True), ("colleague", True), ("stranger", False), ("auditor", True), ("admin", True)],
)
def test_a_restricted_model_is_shown_to_those_it_is_granted_to(client, cast, who, sees):
    names = [
        model["name"]
        for model in client.get("/api/v1/models", headers=cast[who].bearer).get_json()["data"]
    ]
    assert ("churn" in names) == sees
    answer = client.get("/api/v1/models/churn", headers=cast[who].bearer)
    assert answer.status_code == (200 if sees else 404)


def test_a_model_is_shown_with_versions_and_signature(client, cast):
    document = client.get("/api/v1/models/churn", headers=cast["owner"].bearer).get_json()
    assert document["active_version"] == 1
    assert [v["status"] for v in document["versions"]] == ["active"]
    assert document["versions"][0]["metrics"]["accuracy"] > 0.8
    signature = Signature.from_json(document["signature"])
    assert [(item.name, str(item.type)) for item in signature.inputs] == [
        ("age", "number"),
        ("visits", "integer"),
        ("country", "category"),
    ]
    assert signature["country"].categories == ("DE", "FR", "PL")
    assert signature.output.classes == ("no", "yes")
