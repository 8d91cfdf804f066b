"""The structure guards itself: imports, access, settings, templates, forbidden ways."""

import ast
import itertools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app import create_app
from app.access import PUBLIC, requirement_of
from app.application import is_for_programs
from app.describing import description_of
from app.errors import STATUS_OF
from app.services.errors import ServiceError, StoredError
from config import PROJECT, setting_names
from tests.support.postgres import settings_for

SOURCES = [
    *Path(PROJECT / "app").rglob("*.py"),
    *Path(PROJECT / "ml").rglob("*.py"),
    PROJECT / "config.py",
]
PUBLIC_ENDPOINTS = {
    "static", "security.login", "health.livez", "health.readyz", "health.show_metrics",
    "health.show_version", "mlflow.ping", "open_inference.live", "open_inference.ready", "open_inference.show_server",
}  # fmt: skip


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    return create_app(settings_for("postgresql://nowhere/none", tmp_path_factory.mktemp("h")))


def test_imports_only_point_down():
    command = [Path(sys.executable).with_name("lint-imports")]
    result = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout


def test_every_route_declares_its_access(app):
    undeclared = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if requirement_of(app.view_functions[rule.endpoint]) is None
    }
    assert undeclared <= {"security.static"}  # Flask-Security's own assets, which nothing uses.


def test_a_route_that_declares_nothing_is_refused(app, monkeypatch):
    client = app.test_client()
    assert client.get("/fs-static/js/webauthn.js").status_code == 403


def test_the_public_routes_are_these(app):
    public = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if requirement_of(app.view_functions[rule.endpoint]) == PUBLIC
    }
    assert public == PUBLIC_ENDPOINTS


def test_everything_else_needs_a_caller(app):
    client = app.test_client()
    for rule in app.url_map.iter_rules():
        if rule.endpoint in PUBLIC_ENDPOINTS or rule.endpoint == "security.static":
            continue
        path = re.sub(r"<uuid:[^>]+>", "01900000-0000-7000-8000-000000000000", rule.rule)
        path = re.sub(r"<int:[^>]+>", "1", path)
        path = re.sub(r"<[^>]+>", "x", path)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = client.open(path, method=method)
            # A page's POST without a session fails at its form token already.
            expected = (401,) if is_for_programs(path) else (302, 400)
            assert answer.status_code in expected, (method, path)


def test_everything_that_programs_call_is_described(app):
    undescribed = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if is_for_programs(rule.rule) and description_of(app.view_functions[rule.endpoint]) is None
    }
    assert not undescribed


def test_every_setting_is_in_the_example_with_a_sentence():
    lines = (PROJECT / ".env.example").read_text().splitlines()
    found = [line.split("=")[0] for line in lines if re.match(r"[A-Z_]+=", line)]
    assert sorted(found) == sorted(setting_names())
    for before, line in itertools.pairwise(lines):
        if re.match(r"[A-Z_]+=", line):
            assert re.fullmatch(r"# .+\.", before), line


def test_the_example_has_the_defaults(tmp_path, monkeypatch):
    from config import Settings, load_settings

    for name in setting_names():
        monkeypatch.delenv(name, raising=False)
    example = load_settings(PROJECT / ".env.example")
    default = Settings()
    hidden = {"secret_key"}
    assert example.model_dump(exclude=hidden) == default.model_dump(exclude=hidden)


def test_no_paging_by_offset():
    for source in SOURCES:
        text = source.read_text()
        assert ".offset(" not in text, source
        assert not re.search(r"\bOFFSET\b", text), source


def test_only_one_module_deserializes():
    for source in SOURCES:
        names = {
            alias.name.split(".")[0]
            for node in ast.walk(ast.parse(source.read_text()))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in (
                node.names if isinstance(node, ast.Import) else [ast.alias(node.module or "")]
            )
        }
        assert "pickle" not in names
        if source.name != "artifact.py" and source.parent.name != "examples":
            assert "joblib" not in names, source


def test_requests_are_never_parsed_by_flask():
    for source in SOURCES:
        assert "get_json(" not in source.read_text(), source


@pytest.mark.parametrize(
    "name", ["requirements.txt", "requirements-dev.txt", "requirements-demo.txt",
             "requirements-node.txt", "requirements-parquet.txt", "package-lock.json", ".npmrc"]
)  # fmt: skip
def test_no_lock_names_an_index(name):
    text = (PROJECT / name).read_text()
    assert not re.search(r"index-url|find-links|registry|resolved|files\.pythonhosted|--trusted", text.replace(
        "omit-lockfile-registry-resolved=true", ""))  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-dev.txt",
        "requirements-demo.txt",
        "requirements-parquet.txt",
    ],
)
def test_every_requirement_is_locked_with_hashes(name):
    blocks = re.split(r"\n(?=\S)", (PROJECT / name).read_text())
    for block in blocks:
        if re.match(r"[a-z0-9-]+==", block):
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_templates_hold_no_inline_code_or_style():
    for template in (PROJECT / "app/templates").rglob("*.html"):
        text = template.read_text()
        assert not re.search(r"<script(?! src=)|<style|\sstyle=|\son[a-z]+=", text), template
        assert "| safe" not in text, template


def test_functions_are_short():
    long = []
    for source in SOURCES:
        long += [
            f"{source.name}:{node.name}"
            for node in ast.walk(ast.parse(source.read_text()))
            if isinstance(node, ast.FunctionDef) and node.end_lineno - node.lineno + 1 > 45
        ]
    assert long == []


def test_the_version_is_the_newest_of_the_changelog():
    from app.version import VERSION

    newest = re.search(r"^## (\S+)", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)[1]
    assert newest == VERSION


def test_every_service_error_has_a_status():
    kinds = [ServiceError]
    for kind in kinds:
        kinds += kind.__subclasses__()
    assert set(kinds) - STATUS_OF.keys() <= {ServiceError, StoredError}
