"""Parquet, in processes of their own: pyarrow is installed beside what all other tests run with."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.services import reporting
from app.services.export_files import Format, available_formats
from config import PROJECT
from tests.support.asking import ask
from tests.support.history import record_some
from tests.support.postgres import SECRET

BESIDE = Path(sys.prefix) / "parquet"
READ = """
import sys, json, pyarrow.parquet as pq
file = pq.ParquetFile(sys.argv[1])
types = {name: str(type_) for name, type_ in zip(file.schema_arrow.names, file.schema_arrow.types)}
print(json.dumps([types, file.read().to_pylist(), file.num_row_groups], default=str))
"""


@pytest.fixture
def export(fresh_url, tmp_path):
    """Returns a function that exports with the command, where pyarrow is installed, and returns the file."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("DAYBOOK_")} | {
        "DAYBOOK_ENV": "test", "DAYBOOK_HOME": str(tmp_path), "DATABASE_URL": fresh_url, "SECRET_KEY": SECRET,
        "PYTHONPATH": str(BESIDE),
    }  # fmt: skip

    def run(query, form, name="records"):
        path = tmp_path / f"{name}.{form}"
        command = [
            sys.executable,
            "manage.py",
            "predictions",
            "export",
            "--query",
            query,
            "--format",
            form,
            "--output",
            str(path),
        ]
        subprocess.run(command, cwd=PROJECT, env=environment, check=True)
        return path

    run.environment = environment
    return run


def read(export, path):
    found = subprocess.run(
        [sys.executable, "-c", READ, str(path)],
        env=export.environment,
        check=True,
        capture_output=True,
    )
    return json.loads(found.stdout)


def test_it_has_the_rows_of_the_table_with_types(fresh_app, cast, export):
    with fresh_app.app_context():
        records = record_some(fresh_app.test_client(), cast)
        answered = next(one.id for one in records if one.status == "accepted" and one.output)
        reporting.report_outcome(cast["owner"].caller, answered, "yes")
    types, rows, _ = read(export, export("model:churn", "parquet"))
    assert {name: types[name] for name in ("id", "received_at", "age", "country", "probability.yes", "outcome", "inputs")} == {
        "id": "string", "received_at": "timestamp[us, tz=UTC]", "age": "double", "country": "string",
        "probability.yes": "double", "outcome": "string", "inputs": "string",
    }  # fmt: skip
    lines = list(csv.DictReader(io.StringIO(export("model:churn", "csv").read_text())))
    assert list(types) == list(lines[0])
    assert [row["id"] for row in rows] == [line["id"] for line in lines]
    for row, line in zip(rows, lines, strict=True):
        assert (row["age"] is None) == (line["age"] == "")
        assert row["age"] is None or row["age"] == float(line["age"])
        assert (row["country"] or "", row["outcome"] or "") == (line["country"], line["outcome"])
    assert [row["outcome"] for row in rows if row["id"] == str(answered)] == ["yes"]


def test_records_of_several_models_and_none_at_all_make_a_file_too(fresh_app, cast, export):
    with fresh_app.app_context():
        count = len(record_some(fresh_app.test_client(), cast))
    _, rows, _ = read(export, export("", "parquet"))
    assert len(rows) == count
    types, rows, _ = read(export, export("model:churn age:>300", "parquet", "none"))
    assert (rows, types["age"]) == ([], "double")


def test_rows_leave_in_groups(fresh_app, cast, export):
    with fresh_app.app_context():
        ask(fresh_app, cast["owner"], rows=2_500)
    _, rows, groups = read(export, export("model:churn", "parquet"))
    assert (len(rows), groups) == (2_500, 3)


def test_where_pyarrow_is_not_there_parquet_is_not_offered(app, browser_of, client, cast):
    assert available_formats() == [Format.CSV, Format.NDJSON]
    assert 'value="parquet"' not in browser_of("owner").get("/predictions/export").text
    answer = client.get("/api/v1/exports?format=parquet", headers=cast["owner"].bearer)
    assert answer.status_code == 400
    assert "Choose one of csv, ndjson." in answer.text
