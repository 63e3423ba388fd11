"""An environment of a peer's own, made once from the package index that pip is set to."""

from __future__ import annotations

import json
import subprocess
import venv
from collections.abc import Sequence
from pathlib import Path


def environment(folder: Path, packages: Sequence[str]) -> Path:
    """Make the environment where it does not hold these packages yet, and give its interpreter."""
    python, finished = folder / "bin" / "python", folder / "installed.json"
    wanted = json.dumps(list(packages))
    if not finished.exists() or finished.read_text(encoding="utf-8") != wanted:
        if not python.exists():
            venv.create(folder, with_pip=True, symlinks=True)
        subprocess.run([python, "-m", "pip", "install", "-q", "--no-cache-dir", *packages], check=True)
        finished.write_text(wanted, encoding="utf-8")
    return python
