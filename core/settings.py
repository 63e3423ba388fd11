"""Where the data folder is and what the environment may decide; read once, at the start."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from core.domain.errors import UserMustAct

ALL_DEMO_SLIDES = -1


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What was decided before the start. `n_demo_slides` is how many to prepare; ALL_DEMO_SLIDES means all."""

    data_dir: Path
    n_demo_slides: int = ALL_DEMO_SLIDES

    @classmethod
    def read(cls, data_dir: Path | None = None) -> Settings:
        """Take the folder given, else FIBROREAD_DATA, else the user's data folder.

        FIBROREAD_DEMO may be `all` (the default), `off`, or how many demo slides to prepare.
        Raises UserMustAct when it is none of these.
        """
        named = data_dir or os.environ.get("FIBROREAD_DATA") or platformdirs.user_data_path("fibroread")
        return cls(data_dir=Path(named).expanduser().resolve(), n_demo_slides=_demo_slides())


def _demo_slides() -> int:
    wish = os.environ.get("FIBROREAD_DEMO", "all").strip().lower()
    if wish == "all":
        return ALL_DEMO_SLIDES
    if wish == "off":
        return 0
    if wish.isdigit():
        return int(wish)
    raise UserMustAct(f"FIBROREAD_DEMO is '{wish}'; use 'all', 'off' or a number of slides.")
