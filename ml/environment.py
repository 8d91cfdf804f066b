"""The environment that a model runs in: what must be the same to get the same bits again."""

import platform
from importlib.metadata import version

LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib", "pandas")


def describe_environment() -> dict[str, str]:
    """Return the versions of Python and of the libraries, and the platform."""
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        **{name: version(name) for name in LIBRARIES},
        "system": platform.system(),
        "machine": platform.machine(),
        "libc": "-".join(platform.libc_ver()),
    }
