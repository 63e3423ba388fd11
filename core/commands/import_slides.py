"""`fibroread import FOLDER`: registers a folder of slides and prints one JSON object per file."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from core.access.identity import COMMAND_LINE
from core.domain.slides import RegistrationOutcome

if TYPE_CHECKING:
    from core.workspace import Workspace


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the parser."""
    parser = subparsers.add_parser(
        "import",
        help="register a folder of slides",
        description="Register every slide and image file of a folder; prints one JSON object per file and line.",
    )
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument(
        "--metadata",
        type=Path,
        metavar="CSV",
        help="columns file and subject; also site, stain_batch, scanner, group and any others",
    )
    parser.add_argument(
        "--mpp", type=float, metavar="X", help="microns per pixel of the files that state none to be trusted"
    )
    parser.set_defaults(run=run, needs_workspace=True)


def run(arguments: argparse.Namespace, workspace: Workspace) -> int:
    """Register the folder; 0 also when files were refused, since each says why."""
    outcomes = workspace.catalogue.register_folder(
        arguments.folder.resolve(), metadata=arguments.metadata, mpp=arguments.mpp, actor=COMMAND_LINE.reader_id
    )
    for outcome in outcomes:
        print(to_json_line(outcome), flush=True)
    return 0


def to_json_line(outcome: RegistrationOutcome) -> str:
    """Give one line: the file, how it ended, and what is measured with."""
    slide = outcome.slide
    mpp = slide.mpp if slide is not None else None
    return json.dumps(
        {
            "path": str(outcome.path),
            "slide_id": slide.slide_id if slide is not None else None,
            "status": outcome.status.value,
            "reason": outcome.reason,
            "width_px": slide.scan.width_px if slide is not None else None,
            "height_px": slide.scan.height_px if slide is not None else None,
            "mpp_x": mpp.x if mpp is not None else None,
            "mpp_y": mpp.y if mpp is not None else None,
            "vendor": slide.scan.vendor if slide is not None else None,
        }
    )
