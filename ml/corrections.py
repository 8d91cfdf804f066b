"""A person's corrections to what is read from example data: the YAML file beside an artifact."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import yaml

from ml.signature import InputField, SignatureError
from ml.validation import default_fault

_CORRECTIONS: dict[str, type[str] | type[dict[str, Any]]] = {
    "title": str,
    "description": str,
    "inputs": dict,
    "output": dict,
}
_KIND_NAMES: dict[Any, str] = {str: "text", dict: "mapping"}


def read_corrections(artifact: Path) -> dict[str, Any]:
    """Read the YAML file beside an artifact (`model.yaml` for `model.joblib`); {} if there is none.

    Raises:
        SignatureError: if the file is there but is not a mapping.
    """
    path = artifact.with_suffix(".yaml")
    if not path.exists():
        return {}
    try:
        corrections = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SignatureError(f"{path}: {error}") from None
    if not isinstance(corrections, dict) or set(corrections) - set(_CORRECTIONS):
        raise SignatureError(f"{path}: use {', '.join(_CORRECTIONS)} only")
    for name, kind in _CORRECTIONS.items():
        if not isinstance(corrections.get(name) or kind(), kind):
            raise SignatureError(f"{path}: {name} is not a {_KIND_NAMES[kind]}")
    for name, correction in (corrections.get("inputs") or {}).items():
        if not isinstance(correction or {}, dict):
            raise SignatureError(f"{path}: inputs: {name} is not a mapping")
    return corrections


def corrected_inputs(
    inputs: list[InputField], corrections: Mapping[str, Any]
) -> Iterator[InputField]:
    """Yield the inputs with their corrections, which are by name.

    Raises:
        SignatureError: if a correction does not fit.
    """
    unknown = set(corrections) - {item.name for item in inputs}
    if unknown:
        raise SignatureError(f"the corrections name unknown inputs: {', '.join(sorted(unknown))}")
    for item in inputs:
        better = corrected(item, _retyped(corrections.get(item.name) or {}))
        if fault := default_fault(better):
            raise SignatureError(f"field {item.name!r}: the default does not fit: {fault}")
        yield better


def _retyped(correction: Mapping[str, Any]) -> dict[str, Any]:
    """A new type drops what was read for the old one, unless the correction gives it anew."""
    if "type" not in correction:
        return dict(correction)
    dropped = dict.fromkeys(("minimum", "maximum", "categories", "observed", "typical"))
    return dropped | dict(correction)


def corrected(described: Any, correction: Mapping[str, Any]) -> Any:
    """Return an `InputField` or `Output` with some members replaced.

    Raises:
        SignatureError: if a member is unknown, or the result contradicts itself.
    """
    known = {item.name for item in fields(described)}
    if unknown := set(correction) - known:
        raise SignatureError(f"the corrections have unknown members: {', '.join(sorted(unknown))}")
    try:
        return replace(described, **correction)
    except TypeError as error:
        raise SignatureError(f"the corrections cannot be used: {error}") from None
