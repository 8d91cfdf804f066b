"""Settings: typed, complete, strict in production, every fault at once."""

import os
import stat

import pytest

from config import SettingsError, keep_secret, load_settings

GOOD_SECRET = "Zq8-not-a-default-secret-for-anything-0123456789"


@pytest.fixture
def environment(monkeypatch, tmp_path):
    """An empty environment; returns a function that sets variables and loads."""
    for name in list(os.environ):
        if name.startswith("DAYBOOK_") or name in (
            "DATABASE_URL",
            "SECRET_KEY",
            "PORT",
            "FLASK_DEBUG",
            "WEB_CONCURRENCY",
        ):
            monkeypatch.delenv(name)
    monkeypatch.setenv("DAYBOOK_HOME", str(tmp_path / "home"))

    def load(env_file=None, **values):
        for name, value in values.items():
            monkeypatch.setenv(name, value)
        return load_settings(env_file)

    return load


def faults(environment, **values):
    with pytest.raises(SettingsError) as caught:
        environment(**values)
    return caught.value.faults


def test_development_needs_nothing_set(environment):
    settings = environment()
    assert settings.embedded
    assert len(settings.secret_key.get_secret_value()) >= 32


def test_the_secret_of_development_is_made_once_and_private(environment, tmp_path):
    first = environment().secret_key
    file = tmp_path / "home" / "secret-key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert environment().secret_key == first


def test_keeping_a_secret_twice_gives_the_first(tmp_path):
    assert keep_secret(tmp_path / "s") == keep_secret(tmp_path / "s")
    assert [p.name for p in tmp_path.iterdir()] == ["s"]


def test_every_fault_is_reported_at_once(environment):
    found = faults(
        environment,
        DAYBOOK_ENV="production",
        PORT="99999",
        DAYBOOK_THREADS="many",
        SECRET_KEY="short",
        DAYBOOK_SIGN_IN_LIMIT="often",
        DAYBOOK_THREAD="8",
        FLASK_DEBUG="1",
    )
    names = [fault.split(":")[0].split(" ")[0] for fault in found]
    assert sorted(names) == sorted(
        ["DAYBOOK_THREAD", "SECRET_KEY", "DATABASE_URL", "FLASK_DEBUG", "PORT",
         "DAYBOOK_THREADS", "DAYBOOK_SIGN_IN_LIMIT"]
    )  # fmt: skip
    assert "did you mean DAYBOOK_THREADS?" in " ".join(found)


@pytest.mark.parametrize("secret", ["", "short", "a" * 64, "changeme" * 3])
def test_production_refuses_a_weak_secret(environment, secret):
    values = {"DAYBOOK_ENV": "production", "DATABASE_URL": "postgresql://db/daybook"}
    found = faults(environment, **values, SECRET_KEY=secret)
    assert [fault.split(":")[0] for fault in found] == ["SECRET_KEY"]


def test_production_refuses_a_weak_token_for_metrics(environment):
    values = {
        "DAYBOOK_ENV": "production",
        "DATABASE_URL": "postgresql://db/d",
        "SECRET_KEY": GOOD_SECRET,
    }
    assert "DAYBOOK_METRICS_TOKEN" in faults(environment, **values, DAYBOOK_METRICS_TOKEN="x")[0]
    assert environment(**values, DAYBOOK_METRICS_TOKEN="0123456789abcdef")


def test_production_runs_the_embedded_database_only_when_asked_by_name(environment):
    production = {"DAYBOOK_ENV": "production", "SECRET_KEY": GOOD_SECRET}
    assert "DATABASE_URL" in faults(environment, **production)[0]
    assert environment(**production, DATABASE_URL="embedded").embedded


def test_a_secret_may_be_in_a_file(environment, tmp_path):
    (tmp_path / "key").write_text(GOOD_SECRET + "\n")
    settings = environment(SECRET_KEY_FILE=str(tmp_path / "key"))
    assert settings.secret_key.get_secret_value() == GOOD_SECRET


def test_any_setting_may_be_in_a_file(environment, tmp_path):
    (tmp_path / "threads").write_text("3")
    assert environment(DAYBOOK_THREADS_FILE=str(tmp_path / "threads")).threads == 3


def test_a_file_that_cannot_be_read_is_a_fault(environment, tmp_path):
    assert "SECRET_KEY_FILE" in faults(environment, SECRET_KEY_FILE=str(tmp_path / "none"))[0]


def test_the_environment_wins_over_the_env_file(environment, tmp_path):
    (tmp_path / ".env").write_text("PORT=7000\nDAYBOOK_THREADS=5\n")
    settings = environment(env_file=tmp_path / ".env", PORT="7001")
    assert (settings.port, settings.threads) == (7001, 5)


@pytest.mark.parametrize("url", ["postgres://u:p@h/d", "postgresql://u:p@h/d"])
def test_both_spellings_of_postgresql_work(environment, url):
    assert environment(DATABASE_URL=url).database_url == url


def test_another_database_is_refused_without_showing_its_password(environment):
    found = faults(environment, DATABASE_URL="mysql://user:hunter2@host/db")
    assert "hunter2" not in " ".join(found)
    assert "postgresql://" in found[0]


def test_settings_do_not_show_their_secrets(environment):
    assert GOOD_SECRET not in repr(environment(SECRET_KEY=GOOD_SECRET))
