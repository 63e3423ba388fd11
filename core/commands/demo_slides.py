"""`fibroread demo-slides`: draws the demo's slides one by one. The app runs it as a subprocess of low priority."""

from __future__ import annotations

import argparse
import json
import os
import threading
from pathlib import Path

from core.domain.errors import NothingToDo
from core.slides.synthetic.study import SyntheticSlide, demo_study

_LOW_PRIORITY = 10
_STANDARD_INPUT = 0


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command; it is left out of the list of commands, because the app calls it by itself."""
    parser = subparsers.add_parser("demo-slides", description="Draw the demo study's slides.")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the slides are written")
    parser.add_argument("--reference", type=Path, metavar="DIR", help="where true stage and collagen mask are written")
    parser.add_argument("--slides", nargs="+", metavar="NAME", help="only these, in this order")
    parser.add_argument(
        "--until-stdin-closes", action="store_true", help="as the app runs it: of low priority, ending with the app"
    )
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Write each slide that is not there yet and print one JSON line for every slide that is whole."""
    if arguments.until_stdin_closes:
        os.nice(_LOW_PRIORITY)
        threading.Thread(target=_end_with_the_caller, daemon=True).start()
    planned = _chosen(arguments.slides)
    for folder in filter(None, (arguments.out, arguments.reference)):
        folder.mkdir(parents=True, exist_ok=True)
    for cut_off in arguments.out.glob(".*.tif"):
        cut_off.unlink()
    for slide in planned:
        path = arguments.out / f"{slide.name}.tif"
        if not path.exists():
            _draw(slide, path, arguments.reference)
        print(json.dumps({"name": slide.name, "path": str(path)}), flush=True)
    return 0


def _chosen(names: list[str] | None) -> tuple[SyntheticSlide, ...]:
    study = {slide.name: slide for slide in demo_study()}
    unknown = [name for name in names or () if name not in study]
    if unknown:
        raise NothingToDo(f"The demo study has no slide {', '.join(unknown)}; it has {', '.join(study)}.")
    return tuple(study[name] for name in names) if names else tuple(study.values())


def _draw(slide: SyntheticSlide, path: Path, reference: Path | None) -> None:
    """Write the slide under its name last, so that a slide that is there has its reference beside it."""
    from core.slides.synthetic.render import write_slide

    unfinished = path.with_name(f".{path.name}")
    mask_path = None if reference is None else reference / f"{slide.name}.png"
    write_slide(slide, unfinished, collagen_mask_path=mask_path)
    if reference is not None:
        facts = {"name": slide.name, "stage": slide.stage.value, "artefact": slide.artefact.value, "seed": slide.seed}
        (reference / f"{slide.name}.json").write_text(json.dumps(facts), encoding="utf-8")
    unfinished.replace(path)


def _end_with_the_caller() -> None:
    """End this process when standard input closes: the app that asked for the slides is gone.

    Read without Python's buffer, whose lock a waiting thread would hold while the interpreter ends.
    """
    while os.read(_STANDARD_INPUT, 1):
        pass
    os._exit(1)
