"""How values look on pages: one place, so that the same value looks the same everywhere."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from flask import Flask, g, url_for
from markupsafe import Markup

from app.identifiers import time_of
from app.models import Scope
from app.query.editing import written
from app.version import VERSION
from ml import truth
from ml.signature import Signature


def init_app(app: Flask) -> None:
    """Give the templates their filters and what every page needs."""
    filters = (
        number,
        moment,
        clock,
        place_in,
        value,
        duration,
        percent,
        short,
        bars,
        answer,
        plain_json,
        metric,
        metric_name,
    )
    for function in filters:
        app.add_template_filter(function)
    app.add_template_filter(time_of, "time_of")
    app.add_template_filter(written, "in_query")
    app.add_template_filter(truth.written, "as_class")
    app.add_template_global(typical_row)
    app.context_processor(_page_context)


def _page_context() -> dict[str, Any]:
    return {"caller": g.get("caller"), "Scope": Scope, "version": VERSION, "asset": asset}


def asset(name: str) -> str:
    """Return the address of an asset, which changes with the version so that caches do not mix them."""
    return url_for("static", filename=name, v=VERSION)


def number(given: float) -> str:
    """Write a number for people: grouped thousands, at most four significant decimals."""
    if isinstance(given, int):
        return f"{given:,}"
    if given == 0 or 1e-4 <= abs(given) < 1e15:
        digits = 0 if abs(given) >= 10_000 else 4
        return f"{given:,.{digits}f}" if abs(given) >= 1 else f"{given:.4g}"
    return f"{given:.4g}"


def moment(given: datetime) -> str:
    """Write a time in UTC to the second."""
    return given.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def clock(given: datetime) -> Markup:
    """Write a time in UTC to the second; with scripts it is shown in the reader's zone (`times.js`)."""
    return Markup('<time datetime="{}">{}</time>').format(given.isoformat(), moment(given))


def value(given: Any) -> str:
    """Write an input as it was stored."""
    match given:
        case None:
            return "missing"
        case bool():
            return "yes" if given else "no"
        case int() | float():
            return f"{given:,}" if abs(given) >= 10_000 else str(given)
    return str(given)


def answer(output: Any, unit: str | None = None) -> str:
    """Write what a model answered, in few words."""
    predicted = output.get("prediction") if isinstance(output, dict) else None
    if predicted is None:
        return "no answer"
    if isinstance(predicted, bool) or not isinstance(predicted, int | float):
        return str(predicted)
    return f"{number(predicted)} {unit}" if unit else number(predicted)


def duration(seconds: float) -> str:
    """Write a short time."""
    if seconds < 0.001:
        return f"{seconds * 1e6:.0f} µs"
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def percent(share: float) -> str:
    """Write a probability, never rounding an uncertain one to certainty."""
    if 0 < share < 0.001:
        return "< 0.1 %"
    if 0.999 < share < 1:
        return "> 99.9 %"
    return f"{share * 100:.1f} %"


def metric(found: float, name: str) -> str:
    """Write a metric: shares in percent, areas and scores to three digits, errors as numbers."""
    if name in ("accuracy", "precision", "recall"):
        return f"{found * 100:.1f} %"
    if name in ("brier_score", "roc_auc"):
        return f"{found:.3f}"
    return f"{found:,.0f}" if abs(found) >= 1000 else f"{found:.4g}"


def metric_name(name: str) -> str:
    """Write the name of a metric."""
    short = {"mae": "MAE", "rmse": "RMSE", "roc_auc": "ROC AUC"}
    return short.get(name, name.replace("_", " ").capitalize())


def short(identifier: UUID) -> str:
    """Write the last characters of an identifier, which differ where the first ones do not."""
    return f"…{str(identifier)[-8:]}"


def typical_row(signature: Signature) -> str:
    """Write a row of typical values as JSON, to try the API with."""
    row = {item.name: item.typical for item in signature.inputs if item.typical is not None}
    return json.dumps(row, ensure_ascii=False)


def place_in(given: Any, observed: tuple[float, float] | None) -> dict[str, Any] | None:
    """Return where a number lies in the range of the examples, on a line of 100 whose range goes from 8 to 92."""
    if observed is None or isinstance(given, bool) or not isinstance(given, int | float):
        return None
    low, high = observed
    share = (
        (given - low) / (high - low) if high > low else 0.5 if given == low else float(given > low)
    )
    outside = not low <= given <= high
    words = f"{'outside' if outside else 'within'} {number(low)} to {number(high)}, the range of the examples"
    return {"x": round(min(97.0, max(3.0, 8 + 84 * share)), 1), "outside": outside, "words": words}


def plain_json(given: Any) -> str:
    """Write a JSON value over several lines."""
    return json.dumps(given, indent=2, ensure_ascii=False)


def bars(counts: Sequence[int]) -> list[dict[str, float]]:
    """Return the bars of a small plot of 100 by 24: position and height of each."""
    highest, width = max([*counts, 1]), 100 / len(counts)
    return [
        {"x": round(i * width, 2), "width": round(width * 0.8, 2), "height": height,
         "y": round(24 - height, 2)}
        for i, height in enumerate(_height(count, highest) for count in counts)
    ]  # fmt: skip


def _height(count: int, highest: int) -> float:
    return 0.5 if count == 0 else round(max(1.5, 24 * count / highest), 2)
