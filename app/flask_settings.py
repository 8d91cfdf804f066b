"""What Flask and its extensions are told, from Daybook's own settings."""

from datetime import timedelta
from typing import Any

from app.database.connections import connector
from app.database.rate_limits import SCHEME
from app.ledger import canonical
from app.ledger.strict_json import read_stored
from config import Settings

SPARE_CONNECTIONS = 4


def flask_settings(settings: Settings) -> dict[str, Any]:
    """Return the configuration of Flask, SQLAlchemy, CSRF protection and cookies."""
    secure = settings.production
    hosts = [host.strip() for host in settings.trusted_hosts.split(",") if host.strip()]
    return {
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "DEBUG": settings.debug,
        "MAX_CONTENT_LENGTH": settings.max_body_bytes,
        "MAX_FORM_MEMORY_SIZE": 512 * 1024,
        "MAX_FORM_PARTS": 2000,
        "TRUSTED_HOSTS": hosts or None,
        "SEND_FILE_MAX_AGE_DEFAULT": 3600,
        "PERMANENT_SESSION_LIFETIME": timedelta(hours=settings.session_hours),
        "SESSION_REFRESH_EACH_REQUEST": False,
        "SESSION_COOKIE_NAME": "daybook",
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SESSION_COOKIE_SECURE": secure,
        "REMEMBER_COOKIE_HTTPONLY": True,
        "REMEMBER_COOKIE_SAMESITE": "Lax",
        "REMEMBER_COOKIE_SECURE": secure,
        "WTF_CSRF_TIME_LIMIT": None,  # As long as the session: a form filled in slowly is not lost.
        "RATELIMIT_STORAGE_URI": f"{SCHEME}://",
        "RATELIMIT_HEADERS_ENABLED": True,
        "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg2://",
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "creator": connector(settings),
            # What is stored as JSON is stored in canonical form: digests are taken of those bytes.
            "json_serializer": lambda value: canonical.encode(value).decode(),
            "json_deserializer": read_stored,
            # A request holds one connection at a time: its session's, then the recorder's. The spare
            # ones are for rate limits, which count on a connection of their own.
            "pool_size": settings.threads,
            "max_overflow": SPARE_CONNECTIONS,
            "pool_timeout": 5,
            "pool_pre_ping": True,
        },
    }
