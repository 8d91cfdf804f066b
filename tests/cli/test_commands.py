"""The operator's menu: what it prints, and its exit codes."""

import json
import re

import pytest

from app.cli.main import Menu
from app.extensions import db
from app.models import Token
from app.services.tokens import is_well_formed
from tests.support.cast import GOOD_ROW, PASSWORD, churn_estimator, customers, write_model


@pytest.fixture
def run(app):
    """Runs a command of the menu; returns exit code, standard output, standard error."""
    menu = Menu(create_app=lambda: app, add_default_commands=False)
    runner = app.test_cli_runner()

    def invoke(*arguments, stdin=None):
        result = runner.invoke(menu, arguments, input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return invoke


@pytest.fixture
def model(tmp_path):
    data = customers()
    return write_model(tmp_path, churn_estimator(data, 0.3), data, "second")


@pytest.mark.parametrize(
    "command",
    ["", "users", "users create", "tokens create", "models register", "models activate",
     "predictions show", "serve", "doctor", "work", "demo", "db upgrade", "ledger", "ledger seal", "ledger verify",
     "ledger export", "ledger keys rotate", "subjects erase", "holds lift", "retention drop"],
)  # fmt: skip
def test_every_command_has_help(run, command):
    code, out, _ = run(*command.split(), "--help")
    assert code == 0
    assert "Usage:" in out


@pytest.mark.parametrize(
    "wrong", ["nothing", "users create", "users create a@b.c --role king", "models activate churn x",
              "tokens create --user a@b.c --name n --scope fly", "predictions show 7"]
)  # fmt: skip
def test_wrong_usage_exits_with_2(run, wrong):
    code, out, err = run(*wrong.split())
    assert (code, out) == (2, "")
    assert err


def test_users_create_prints_the_identifier_alone(run, cast):
    code, out, _ = run("users", "create", "new@example.com", "--role", "analyst",
                       "--password-stdin", stdin=PASSWORD + "\n")  # fmt: skip
    assert code == 0
    assert re.fullmatch(r"[0-9a-f-]{36}\n", out)
    assert "new@example.com\tanalyst\tactive" in run("users", "list")[1]


@pytest.mark.parametrize(
    ("address", "password", "words"),
    [
        ("owner@example.com", PASSWORD, "already"),
        ("nonsense", PASSWORD, "no email address"),
        ("new@example.com", "short", "at least 12"),
    ],
)
def test_users_create_fails_with_one_clear_line(run, cast, address, password, words):
    code, out, err = run("users", "create", address, "--role", "admin", "--password-stdin",
                         stdin=password + "\n")  # fmt: skip
    assert (code, out) == (1, "")
    assert words in err
    assert len(err.strip().splitlines()) == 1


def test_users_are_disabled_and_enabled(run, cast):
    assert run("users", "disable", "owner@example.com")[0] == 0
    assert "owner@example.com\tanalyst\tdisabled" in run("users", "list")[1]
    assert run("users", "enable", "owner@example.com")[0] == 0
    assert run("users", "disable", "nobody@example.com")[0] == 1


def test_a_password_is_set(run, cast, client):
    code, _, _ = run("users", "password", "owner@example.com", "--password-stdin",
                     stdin="some other long sentence\n")  # fmt: skip
    assert code == 0


def test_tokens_create_prints_the_token_alone(run, app, cast, client):
    code, out, _ = run("tokens", "create", "--user", "owner@example.com", "--name", "n",
                       "--scope", "predict", "--scope", "read:own", "--expires", "90d")  # fmt: skip
    assert code == 0
    assert is_well_formed(out.removesuffix("\n"))
    headers = {"Authorization": f"Bearer {out.strip()}"}
    assert client.get("/api/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--user", "nobody@example.com", "--scope", "predict"), "no user"),
        (("--user", "auditor@example.com", "--scope", "predict"), "has no predict"),
        (("--user", "owner@example.com", "--scope", "predict", "--expires", "soon"), "duration"),
    ],
)
def test_tokens_create_says_what_is_wrong(run, cast, arguments, words):
    code, out, err = run("tokens", "create", "--name", "n", *arguments)
    assert (code, out) == (1, "")
    assert words in err


def test_tokens_are_listed_and_revoked(run, app, cast):
    _, out, _ = run("tokens", "list", "--user", "owner@example.com")
    identifier = out.split("\t")[0]
    assert run("tokens", "revoke", identifier)[0] == 0
    assert "revoked" in run("tokens", "list", "--user", "owner@example.com")[1]
    with app.app_context():
        assert db.session.get_one(Token, identifier).revoked_at


def test_models_register_prints_name_and_version(run, cast, model):
    arguments = ("--name", "churn", "--data", str(model.with_suffix(".csv")), "--target", "left")
    assert run("models", "register", str(model), *arguments) == (0, "churn 2\n", "")
    assert json.loads(run("models", "show", "churn")[1])["active_version"] == 1
    assert run("models", "register", str(model), *arguments, "--activate")[1] == "churn 3\n"
    shown = json.loads(run("models", "show", "churn")[1])
    assert [v["status"] for v in shown["versions"]] == ["active", "available", "available"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"--data": "none.csv"}, "cannot be read"),
        ({"--target": "nothing"}, "no column"),
        ({"--name": "Not Good"}, "small letters"),
        ({"--owner": "nobody@example.com"}, "no user"),
    ],
)
def test_models_register_says_what_is_wrong(run, cast, model, change, words):
    options = {"--name": "x", "--data": str(model.with_suffix(".csv")), "--target": "left"} | change
    code, out, err = run("models", "register", str(model), *sum(options.items(), ()))
    assert (code, out) == (1, "")
    assert words in err


def test_models_are_activated_retired_and_listed(run, cast, model):
    data = str(model.with_suffix(".csv"))
    run("models", "register", str(model), "--name", "churn", "--data", data, "--target", "left")
    assert run("models", "activate", "churn", "2") == (0, "churn 2\n", "")
    assert run("models", "list")[1] == "churn\t2\trestricted\tChurn\n"
    assert run("models", "retire", "churn", "1")[0] == 0
    assert run("models", "activate", "churn", "1")[0] == 1
    assert run("models", "activate", "churn", "9")[0] == 1


def test_models_are_granted_and_opened(run, cast, client):
    def sees():
        headers = cast["stranger"].bearer
        return bool(client.get("/api/v1/models", headers=headers).get_json()["data"])

    assert not sees()
    assert run("models", "grant", "churn", "stranger@example.com")[0] == 0
    assert sees()
    assert run("models", "ungrant", "churn", "stranger@example.com")[0] == 0
    assert not sees()
    assert run("models", "open", "churn")[0] == 0
    assert sees()
    assert run("models", "restrict", "churn")[0] == 0
    assert not sees()


def test_predictions_find_prints_what_fits_a_query(run, cast, client):
    url = "/api/v1/models/churn/predictions"
    rows = [GOOD_ROW | {"age": 20.0 + number % 3} for number in range(600)]
    client.post(url, json={"inputs": rows}, headers=cast["owner"].bearer)
    code, out, _ = run(
        "predictions", "find", "age:>=21 caller:owner@example.com", "--limit", "1000"
    )
    ages = [json.loads(line)["inputs"]["age"] for line in out.splitlines()]
    assert (code, len(ages), set(ages)) == (0, 400, {21, 22})
    assert len(run("predictions", "find", "--limit", "7")[1].splitlines()) == 7
    code, _, err = run("predictions", "find", "agee:>21")
    assert (code, "Did you mean age?" in err) == (1, True)


def test_predictions_show_prints_the_record(run, cast, client):
    url = "/api/v1/models/churn/predictions"
    answer = client.post(url, json={"inputs": [GOOD_ROW]}, headers=cast["owner"].bearer)
    identifier = answer.get_json()["predictions"][0]["id"]
    code, out, _ = run("predictions", "show", identifier)
    assert code == 0
    assert json.loads(out)["inputs"] == GOOD_ROW
    assert run("predictions", "show", "01900000-0000-7000-8000-000000000000")[0] == 1


def test_work_once_runs_every_job(run, cast):
    assert run("work", "--once")[0] == 0


def test_doctor_prints_one_line_for_each_check(run, cast):
    code, out, _ = run("doctor")
    lines = {line.split(":")[0].split(maxsplit=1)[1]: line for line in out.splitlines()}
    assert len(lines) == 14
    assert "daybook_service" in lines["rights"]
    assert lines["artifacts"].startswith("ok")
    # The server of the tests runs without fsync: the doctor must see it.
    assert lines["durability"].startswith("FAIL")
    assert code == 1


def test_doctor_finds_a_damaged_artifact(run, app, cast):
    from sqlalchemy import text

    with app.app_context():
        db.session.execute(text("SET LOCAL ROLE NONE"))
        db.session.execute(text("ALTER TABLE artifact_chunks DISABLE TRIGGER USER"))
        db.session.execute(text("UPDATE artifact_chunks SET data = data || 'x'"))
        db.session.commit()
    # A good copy in the cache of this node does not hide it.
    assert run("doctor")[1].count("FAIL  artifacts") == 1
    for file in (app.extensions["settings"].home / "artifacts").glob("*"):
        file.unlink()
    app.extensions["runtimes"].forget()
    assert "FAIL  active models" in run("doctor")[1]


def test_a_job_that_fails_is_an_error_of_work_once(run, cast, monkeypatch):
    from app.jobs import schedule

    def broken_job():
        raise ValueError("broken")

    monkeypatch.setattr(schedule, "SCHEDULE", schedule.SCHEDULE | {broken_job: 60})
    code, _, err = run("work", "--once")
    assert code == 1
    assert "broken_job" in err
