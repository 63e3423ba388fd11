"""`fibroread run-examination`: examines models on a set's test animals. The app and `fibroread evaluate` start it."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.commands.told_process import Tell, begin_telling, end_at_once, seldom

if TYPE_CHECKING:
    from core.retraining.evaluation import Evaluation, Examinee
    from core.retraining.lineage import TrainedOn


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Put the command on the command line, without words in the overview: a person uses `evaluate`."""
    parser = subparsers.add_parser("run-examination", description="Examine models on a set's test animals.")
    parser.add_argument("set_folder", type=Path, metavar="SET")
    parser.add_argument("--models", type=json.loads, required=True, help="as JSON, the candidate first")
    parser.add_argument("--native-five", type=json.loads, default=None, help="one with five classes, likewise")
    parser.add_argument("--tally", type=json.loads, required=True, help="as JSON, how many were looked at with it")
    parser.add_argument("--margin", type=float, required=True)
    parser.add_argument("--permutations", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True, help="where what is found is kept")
    parser.add_argument("--at", type=datetime.fromisoformat, required=True)
    parser.set_defaults(run=run, needs_workspace=False)


def run(arguments: argparse.Namespace) -> int:
    """Examine; tell how far it is on stdout as a JSON object a line, at last where it lies or what the problem is."""
    tell = begin_telling(end_at_once)
    from core.domain.errors import FibroreadError

    try:
        _examine(arguments, tell)
    except FibroreadError as error:
        tell({"problem": str(error)})
        return 2
    return 0


def _examine(arguments: argparse.Namespace, tell: Tell) -> None:
    from core.domain.datasets import Split
    from core.networks import load_examined
    from core.retraining.batch_effect import batch_effects
    from core.retraining.beside_baseline import beside_baseline
    from core.retraining.evaluation import evaluate
    from core.retraining.open_set import open_set

    tell({"share": 0.0, "words": "checking the set"})
    examinees, native = [_examinee(plain) for plain in arguments.models], arguments.native_five
    opened, first = open_set(arguments.set_folder), examinees[0]
    evaluation = evaluate(
        opened,
        examinees,
        load_examined,
        native_five=None if native is None else _examinee(native),
        progress=_teller(tell, "asking the networks"),
    ).with_batch_effects(
        batch_effects(
            opened,
            first.recipe,
            load_examined(first.weights_path),
            n_permutations=arguments.permutations,
            progress=_teller(tell, "looking for what tells the laboratory"),
        )
    )
    trained_on = _trained_on(arguments.models[0])
    evaluation = evaluation.with_baseline(
        beside_baseline(opened, evaluation, first.recipe, trained_on, _teller(tell, "measuring collagen"))
    )
    animals = sorted({patch.subject for patch in opened.side(Split.TEST)})
    tell(
        {"found": {"set_sha256": opened.content_sha256, "animals": animals, **_kept(arguments, evaluation, examinees)}}
    )


def _kept(arguments: argparse.Namespace, evaluation: Evaluation, examinees: list[Examinee]) -> dict[str, Any]:
    """Judge and keep what was found, and give the verdict with the hashes of what was kept."""
    from core.domain.registry import ModelId
    from core.reporting.html import as_html
    from core.retraining.evaluation_document import evaluation_document
    from core.retraining.examinations import keep
    from core.retraining.tally import Tally
    from core.retraining.verdict import verdict_of

    tally, verdict = Tally.from_plain(arguments.tally), None
    if len(examinees) > 1:
        candidate, served = (ModelId(one.model_id) for one in examinees)
        verdict = verdict_of(evaluation, candidate, served, tally, arguments.margin).to_plain()
        evaluation = evaluation.with_cautions(tally.sentences)
    card = json.loads((Path(arguments.models[0]["folder"]) / "card.json").read_text(encoding="utf-8"))
    found = {
        "evaluation": evaluation.to_plain(),
        "verdict": verdict,
        "set_path": str(arguments.set_folder),
        "examined_at": arguments.at.isoformat(),
    }
    hashes = keep(arguments.out, found, as_html(evaluation_document(evaluation, card, arguments.at)))
    baseline = None if evaluation.baseline is None else evaluation.baseline.found.to_json()
    return {"verdict": verdict, "baseline": baseline, **hashes}


def _examinee(plain: dict[str, Any]) -> Examinee:
    from core.domain.recipe import Recipe
    from core.inference.registry import CARD_NAME, WEIGHTS_NAME
    from core.retraining.evaluation import Examinee
    from core.retraining.lineage import animals_learned_from

    folder, training_folder = Path(plain["folder"]), plain["training_folder"]
    card = json.loads((folder / CARD_NAME).read_text(encoding="utf-8"))
    return Examinee(
        model_id=plain["model_id"],
        name=plain["name"],
        recipe=Recipe.from_json(card["recipe"]),
        weights_path=folder / WEIGHTS_NAME,
        learned_from=None if training_folder is None else animals_learned_from(Path(training_folder)),
    )


def _trained_on(plain: dict[str, Any]) -> TrainedOn | None:
    from core.retraining.lineage import TrainedOn

    return None if plain["trained_on"] is None else TrainedOn.from_plain(plain["trained_on"])


def _teller(tell: Tell, words: str) -> Callable[[float], None]:
    told = seldom(tell)
    return lambda share: told(share, words)
