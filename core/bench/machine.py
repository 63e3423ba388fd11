"""What a figure was measured on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from collections.abc import Sequence


def machine() -> dict[str, object]:
    """Give the processor, the cores this process may use, and how busy they are."""
    return {
        "system": platform.platform(),
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 2),
        "python": platform.python_version(),
    }


def releases(names: Sequence[str]) -> dict[str, str]:
    """Give the installed release of each distribution."""
    return {name: importlib.metadata.version(name) for name in names}
