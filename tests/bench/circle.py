"""The whole circle on the demo study, by the commands: `python -m tests.bench.circle --data DIR`.

Reads -> set -> frozen test -> training -> examination -> decision -> new predictions -> reproduction -> audit. The
app's own start draws the demo study and runs the demo model; a reader here gives every predicted patch its slide's
drawn stage. The rest is what a study lead would type. Prints one JSON object a step; DIR must not exist.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from core.access.identity import local_reader
from core.bench.machine import machine
from core.domain.events import in_bulk
from core.domain.reads import Item, ReadRequest, Sight
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.settings import ALL_DEMO_SLIDES, Settings
from core.slides.synthetic.study import demo_study
from core.workspace import Workspace, start_workspace

_READER = local_reader("Ada")
_LONGEST_WAIT_S = 1800


def main() -> None:
    """Go round once."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--config", default="head-only")
    arguments = parser.parse_args()
    if arguments.data.exists():
        parser.error(f"{arguments.data} exists already")
    say("machine", machine())
    with start_workspace(Settings(data_dir=arguments.data, n_demo_slides=ALL_DEMO_SLIDES)) as workspace:
        say("reads", read_all(workspace))
    training_set = arguments.data / "set"
    run = Commands(arguments.data)
    run("export", "training", str(training_set), "--demo", "--fractions", "0.5,0.17,0.33")
    run("test", "freeze", str(training_set))
    trained = run("train", str(training_set), "--config", arguments.config)
    model_id = str(trained["model_id"])
    verdict = run("evaluate", model_id)["verdict"]
    if verdict["is_passed"]:
        run("model", "serve", model_id)
    else:
        run("model", "serve", model_id, expects=2)
        run("model", "serve", model_id, "--reason", "to close the circle", "--signed", "Ada Berg")
    new_run = run("infer", "--all")
    run("reproduce", str(new_run["run_id"]))
    run("model", "back", "--reason", "the circle is closed")
    run("verify")


class Commands:
    """Runs commands over one data folder, each in a process of its own, and tells what they print."""

    def __init__(self, data: Path) -> None:
        self._data = data

    def __call__(self, *words: str, expects: int = 0) -> dict[str, Any]:
        """Run one and give the last object that it prints. Raises: RuntimeError where it does not end as expected."""
        begin = time.monotonic()
        command = [sys.executable, "-m", "core.cli", *words, "--data", str(self._data)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != expects:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
        printed = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
        last: dict[str, Any] = printed[-1] if printed else {"said": done.stderr.strip().splitlines()[-1]}
        say(" ".join(words), {"objects": len(printed), **last, "seconds": round(time.monotonic() - begin, 1)})
        return last


def read_all(workspace: Workspace) -> dict[str, object]:
    """Wait for the demo study's runs, then read every predicted patch as its slide was drawn."""
    begin = time.monotonic()
    stages = wait_for_runs(workspace)
    n_reads = 0
    for slide in workspace.slides.slides():
        run = workspace.current_run(slide.slide_id)
        if run is None:
            continue
        indices = np.flatnonzero(workspace.predictions(run.run_id).is_predicted).tolist()
        requests = [
            ReadRequest(
                event_id=in_bulk(f"circle-{slide.slide_id}", number),
                item=Item(slide_id=slide.slide_id, patch_index=index, recipe_hash=run.recipe_hash),
                sight=Sight(),
                stage=stages[slide.slide_id],
            )
            for number, index in enumerate(indices)
        ]
        n_reads += len(workspace.reading.record_all(_READER, requests))
    return {"slides": len(stages), "reads": n_reads, "seconds": round(time.monotonic() - begin, 1)}


def wait_for_runs(workspace: Workspace) -> dict[SlideId, Stage]:
    """Wait until the demo model has read the demo study; give the stage that each slide was drawn with."""
    plans, begin = {plan.name: plan.stage for plan in demo_study()}, time.monotonic()
    while len(workspace.runs.runs()) < len(plans):
        if time.monotonic() - begin > _LONGEST_WAIT_S:
            raise RuntimeError("the demo study's runs did not end in time")
        time.sleep(1.0)
    slides = workspace.slides.slides()
    return {slide.slide_id: next(plans[name] for name in plans if slide.name.startswith(name)) for slide in slides}


def say(step: str, facts: dict[str, Any]) -> None:
    """Print one step."""
    print(json.dumps({"step": step, **facts}), flush=True)


if __name__ == "__main__":
    main()
