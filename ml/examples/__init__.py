"""Three example models, trained on real data when they are needed.

Each module has one function `train` that returns an `Example`; the YAML file of the same name
holds the corrections to what is read from the data.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import joblib
import pandas as pd

NAMES = ("house-prices", "breast-cancer", "digits")


@dataclass(frozen=True, kw_only=True)
class Example:
    """A fitted estimator with rows it has not seen in training, and the name of their true answer."""

    estimator: Any
    held_out: pd.DataFrame
    target: str


def write_example(name: str, folder: Path) -> tuple[Path, Path, str]:
    """Train one example into a folder.

    Returns:
        The artifact, the CSV of held-out rows, and the name of its target column.
    """
    module = import_module(f"ml.examples.{name.replace('-', '_')}")
    train: Callable[[], Example] = module.train
    example = train()
    artifact, data = folder / f"{name}.joblib", folder / f"{name}.csv"
    joblib.dump(example.estimator, artifact)
    example.held_out.to_csv(data, index=False)
    shutil.copy(Path(str(module.__file__)).with_suffix(".yaml"), artifact.with_suffix(".yaml"))
    return artifact, data, example.target
