"""Typed settings, read from the environment, from `.env` and from `NAME_FILE` files.

Every fault is reported at once, each with what to do about it. Nothing here has a default
that would be unsafe in production: production refuses to start instead.
"""

import difflib
import os
import re
import secrets
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from limits import parse_many
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

PROJECT = Path(__file__).resolve().parent
EMBEDDED = "embedded"
SHORTEST_SECRET = 32
SHORTEST_METRICS_TOKEN = 16
LONGEST_SESSION_HOURS = 24 * 30
#: Whose values are in no message.
_SECRETS = {
    "DATABASE_URL", "SECRET_KEY", "DAYBOOK_METRICS_TOKEN", "DAYBOOK_LEDGER_KEY",
    "DAYBOOK_CHECKPOINT_SINKS",
}  # fmt: skip


class SettingsError(Exception):
    """The settings are not usable."""

    def __init__(self, faults: list[str]) -> None:
        self.faults = faults
        super().__init__("The settings are not usable:\n" + "\n".join(f"  - {f}" for f in faults))


class Environment(StrEnum):
    """Where the service runs; production is strict about secrets."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


class LogFormat(StrEnum):
    """How log lines look: for people or for programs."""

    CONSOLE = "console"
    JSON = "json"


class Settings(BaseModel):
    """All settings. The name of the environment variable is the alias of each field."""

    model_config = ConfigDict(extra="ignore", frozen=True, validate_default=True)

    environment: Environment = Field(Environment.DEVELOPMENT, alias="DAYBOOK_ENV")
    home: Path = Field(PROJECT / "instance", alias="DAYBOOK_HOME")
    database_url: str = Field(EMBEDDED, alias="DATABASE_URL")
    secret_key: SecretStr = Field(SecretStr(""), alias="SECRET_KEY")
    debug: bool = Field(False, alias="FLASK_DEBUG")

    host: str = Field("127.0.0.1", alias="DAYBOOK_HOST")
    port: int = Field(8000, alias="PORT", ge=1, le=65535)
    workers: int = Field(1, alias="WEB_CONCURRENCY", ge=1, le=256)
    threads: int = Field(16, alias="DAYBOOK_THREADS", ge=1, le=512)
    trusted_hosts: str = Field("", alias="DAYBOOK_TRUSTED_HOSTS")
    allowed_origins: str = Field("", alias="DAYBOOK_ALLOWED_ORIGINS")
    proxy_hops: int = Field(0, alias="DAYBOOK_PROXY_HOPS", ge=0, le=8)

    max_body_bytes: int = Field(16 * 2**20, alias="DAYBOOK_MAX_BODY_BYTES", ge=1024)
    max_rows: int = Field(10_000, alias="DAYBOOK_MAX_ROWS", ge=1, le=100_000)
    api_limit: str = Field("", alias="DAYBOOK_API_LIMIT")
    sign_in_limit: str = Field("10 per 15 minutes", alias="DAYBOOK_SIGN_IN_LIMIT")
    queue_rows: int = Field(20_000, alias="DAYBOOK_QUEUE_ROWS", ge=1, le=1_000_000)
    queue_bytes: int = Field(64 * 2**20, alias="DAYBOOK_QUEUE_BYTES", ge=1024)
    deadline_seconds: float = Field(30, alias="DAYBOOK_DEADLINE_SECONDS", gt=0, le=3600)
    default_model: str = Field("", alias="DAYBOOK_DEFAULT_MODEL")
    export_reason_rows: int = Field(1_000, alias="DAYBOOK_EXPORT_REASON_ROWS", ge=0)
    idempotency_days: int = Field(7, alias="DAYBOOK_IDEMPOTENCY_DAYS", ge=1, le=365)
    session_hours: int = Field(12, alias="DAYBOOK_SESSION_HOURS", ge=1, le=LONGEST_SESSION_HOURS)
    fresh_minutes: int = Field(30, alias="DAYBOOK_FRESH_MINUTES", ge=1, le=24 * 60)
    statement_timeout_ms: int = Field(30_000, alias="DAYBOOK_STATEMENT_TIMEOUT_MS", ge=100)

    ledger_key: SecretStr = Field(SecretStr(""), alias="DAYBOOK_LEDGER_KEY")
    checkpoint_sinks: str = Field("", alias="DAYBOOK_CHECKPOINT_SINKS")
    seal_seconds: float = Field(5, alias="DAYBOOK_SEAL_SECONDS", ge=0.1, le=60)

    metrics_token: SecretStr = Field(SecretStr(""), alias="DAYBOOK_METRICS_TOKEN")
    log_format: LogFormat = Field(LogFormat.CONSOLE, alias="DAYBOOK_LOG_FORMAT")
    log_level: str = Field("INFO", alias="DAYBOOK_LOG_LEVEL")

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, level: str) -> str:
        if level.upper() not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
            raise ValueError("use DEBUG, INFO, WARNING, ERROR or CRITICAL")
        return level.upper()

    @field_validator("api_limit", "sign_in_limit")
    @classmethod
    def _readable_limit(cls, limit: str) -> str:
        if limit:
            try:
                parse_many(limit)
            except ValueError:
                raise ValueError('write a limit such as "10 per 15 minutes"') from None
        return limit

    @field_validator("checkpoint_sinks")
    @classmethod
    def _known_sinks(cls, sinks: str) -> str:
        if all(word.startswith(("/", "https://", "http://")) for word in sinks.split()):
            return sinks
        raise ValueError("name folders by their absolute paths, and http:// or https:// addresses")

    @field_validator("allowed_origins")
    @classmethod
    def _known_origins(cls, origins: str) -> str:
        if all(re.fullmatch(r"https?://[^/?#@\s*]+", word) for word in origins.split()):
            return origins
        raise ValueError("name origins such as https://app.example.com, with a space between them")

    @field_validator("database_url")
    @classmethod
    def _postgresql(cls, url: str) -> str:
        if url != EMBEDDED and not url.startswith(("postgresql://", "postgres://")):
            raise ValueError(f'use a postgresql:// address, or "{EMBEDDED}"')
        return url

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return (PROJECT / home.expanduser()).resolve()

    @property
    def embedded(self) -> bool:
        """Whether the service runs its own PostgreSQL."""
        return self.database_url == EMBEDDED

    @property
    def production(self) -> bool:
        """Whether this is a production installation."""
        return self.environment is Environment.PRODUCTION


def load_settings(env_file: Path | None = PROJECT / ".env") -> Settings:
    """Read the settings of this process.

    Raises:
        SettingsError: with every fault found, if there is any.
    """
    values, faults = _read_values(env_file)
    faults += _unknown_names(values) + _production_faults(values)
    try:
        settings = Settings.model_validate({k: v for k, v in values.items() if v != ""})
    except ValidationError as error:
        raise SettingsError(faults + [_describe(e) for e in error.errors()]) from None
    if faults:
        raise SettingsError(faults)
    return settings if settings.secret_key.get_secret_value() else _with_own_secret(settings)


def setting_names() -> list[str]:
    """The names of all settings, in the order of their declaration."""
    return [str(field.alias) for field in Settings.model_fields.values()]


def _read_values(env_file: Path | None) -> tuple[dict[str, str], list[str]]:
    given = {k: v or "" for k, v in dotenv_values(env_file).items()} if env_file else {}
    given |= os.environ
    values = {k: v for k, v in given.items() if k in setting_names() or k.startswith("DAYBOOK_")}
    faults = []
    for name in setting_names():
        if path := given.get(f"{name}_FILE"):
            values.pop(f"{name}_FILE", None)
            try:
                values[name] = Path(path).read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                faults.append(f"{name}_FILE: {path} cannot be read ({type(error).__name__}).")
    return values, faults


def _unknown_names(values: Mapping[str, str]) -> list[str]:
    faults = []
    for name in sorted(values.keys() - set(setting_names())):
        if near := difflib.get_close_matches(name, setting_names(), n=1):
            faults.append(f"{name} is not a setting; did you mean {near[0]}?")
        else:
            faults.append(f"{name} is not a setting; see .env.example for all of them.")
    return faults


def _production_faults(values: Mapping[str, str]) -> list[str]:
    if values.get("DAYBOOK_ENV") != Environment.PRODUCTION:
        return []
    faults = []
    secret = values.get("SECRET_KEY", "")
    if len(secret) < SHORTEST_SECRET or len(set(secret)) < 10:
        faults.append(
            f"SECRET_KEY: production needs a random secret of {SHORTEST_SECRET} or more characters;"
            ' make one with: python -c "import secrets; print(secrets.token_urlsafe(48))"'
        )
    if 0 < len(values.get("DAYBOOK_METRICS_TOKEN", "")) < SHORTEST_METRICS_TOKEN:
        faults.append(
            f"DAYBOOK_METRICS_TOKEN: use {SHORTEST_METRICS_TOKEN} or more random characters."
        )
    if not values.get("DATABASE_URL"):
        faults.append(
            "DATABASE_URL: production needs the address of a PostgreSQL 15-18 server"
            f' (or "{EMBEDDED}", to run the embedded one knowingly).'
        )
    if values.get("FLASK_DEBUG", "").lower() not in ("", "0", "false", "no", "off"):
        faults.append("FLASK_DEBUG: debug shows secrets to visitors; unset it in production.")
    return faults


def _describe(error: Any) -> str:
    name, message = error["loc"][0], str(error["msg"]).removeprefix("Value error, ")
    if name in _SECRETS:
        return f"{name}: {message}."
    return f"{name}: {message} (now {error['input']!r})."


def _with_own_secret(settings: Settings) -> Settings:
    """Development's secret: made once, kept in the home folder, readable by its owner only."""
    secret = keep_secret(settings.home / "secret-key")
    return settings.model_copy(update={"secret_key": SecretStr(secret)})


def keep_secret(path: Path) -> str:
    """Return the secret kept at `path`, made at the first call, readable by its owner only."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(secrets.token_urlsafe(48))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    return path.read_text()
