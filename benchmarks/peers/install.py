"""`python -m benchmarks.peers.install`: make each peer's environment and train its models in it."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks import train
from benchmarks.house import MODELS
from benchmarks.peers.servers import PEERS, Peer


def install(peer: Peer) -> None:
    """Make the peer's virtual environment from its lock, and train its models inside it."""
    python = str(peer.programs / "python")
    models = peer.folder / "models"
    shutil.rmtree(models, ignore_errors=True)
    models.mkdir()
    for command in (
        [sys.executable, "-m", "venv", "--clear", ".venv"],
        [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
         "-r", "requirements.txt"],
        [python, str(Path(train.__file__)), peer.model_format, "models"],
    ):  # fmt: skip
        subprocess.run(
            command, cwd=peer.folder, env=peer.full_environment(MODELS[0], 0), check=True
        )
    (peer.folder / ".venv" / ".installed").touch()


def main() -> None:
    """Install what is not there yet."""
    for peer in PEERS:
        done = peer.folder / ".venv" / ".installed"
        lock = peer.folder / "requirements.txt"
        if not done.exists() or done.stat().st_mtime < lock.stat().st_mtime:
            print(f"Installing {peer.name} …", flush=True)
            install(peer)


if __name__ == "__main__":
    main()
