"""How often somebody may try to sign in or call the API, counted over all workers.

Limits are declared once, when modules load: declared in the factory, every further application of a
process would count each request once more.
"""

import hmac
from collections.abc import Callable
from typing import Any

from flask import Blueprint, current_app, g, request
from flask_limiter.util import get_remote_address
from flask_login import current_user

from app.extensions import limiter
from app.services.users import account_name
from config import Settings

_BY_ADDRESS = "100 per 15 minutes"


def limit_sign_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Limit attempts at one account, and attempts from one address."""
    by_account = limiter.limit(
        lambda: _settings().sign_in_limit,
        key_func=_account,
        methods=["POST"],
        scope="sign-in",
    )
    by_address = limiter.limit(_BY_ADDRESS, key_func=get_remote_address, methods=["POST"])
    return by_address(by_account(view))


def _account() -> str:
    """Name the account without storing what was typed, which may even be a password."""
    known = current_user.email if current_user.is_authenticated else None
    account = known or account_name(request.form.get("email", ""))
    key = _settings().secret_key.get_secret_value().encode()
    return hmac.digest(key, account.encode(), "sha256").hex()


def limit_api(blueprint: Blueprint) -> None:
    """Limit the requests of each caller by `DAYBOOK_API_LIMIT`, if there is one."""
    limiter.limit(
        lambda: _settings().api_limit or _BY_ADDRESS,
        key_func=lambda: str(g.caller.token_id or g.caller.user_id),
        exempt_when=lambda: not _settings().api_limit or g.caller is None,
    )(blueprint)


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings
