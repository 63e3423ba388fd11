"""A data folder with a finished reader study: five readers, two sites, hidden repeats, a second pass, missing reads."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.access.identity import local_reader
from core.domain.people import Role
from core.domain.predictions import SlideCall
from core.domain.protocols import Protocol, Repeats, Scheme
from core.domain.slides import Slide
from core.domain.stages import STAGES
from core.domain.studies import Entry, EventKind, Meaning, Seen, StudyEvent
from core.review.signing import signed
from core.settings import Settings
from core.slides.synthetic.pyramid import write_pyramid
from core.store.studies import StudyStore
from core.workspace import Workspace, open_workspace
from tests.journeys.seeded import store_model, store_run, varied

LEAD = replace(local_reader("Lea Lead"), roles=frozenset({Role.LEAD}))
READERS = tuple(local_reader(name) for name in ("Ada Okafor", "Bruno Keller", "Chen Wei", "Dina Rossi", "Emil Strand"))
_ON_READER = (0.0, 0.1, -0.1, 0.45, 0.0)
"""By how many stages each reader stages higher: the fourth is the one who does."""
_CUTS = (0.45, 1.1, 1.8, 2.5, 3.4, 4.5)


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """How many animals of how many slides, and the number that everything is drawn from."""

    n_animals: int = 24
    slides_each: int = 2
    seed: int = 1


def make_read_study(folder: Path, data_dir: Path, size: Seeded | None = None) -> None:
    """Write the slides, register them with their animals, store the model's calls, and sign two studies' reads.

    The first study is read in seven stages; the second, by two other readers, in five on the same slides.
    """
    chosen = size or Seeded()
    _write_slides(folder, chosen)
    with open_workspace(Settings(data_dir=data_dir)) as workspace:
        outcomes = workspace.catalogue.register_folder(folder, metadata=folder / "slides.csv", actor="test")
        slides = [outcome.slide for outcome in outcomes if outcome.slide is not None]
        drawn = np.random.default_rng(chosen.seed)
        severity = _severities(slides, drawn)
        for person in READERS:
            workspace.people.seen(person)
        _store_calls(workspace, slides, severity, drawn)
        seven = Protocol(
            name="MASH-24 Sirius Red",
            slides=tuple(slide.slide_id for slide in slides),
            readers=tuple(reader.reader_id for reader in READERS),
            repeats=Repeats(fraction=0.2, distance=3),
            n_passes=2,
            washout_days=0,
        )
        _read(workspace, seven, severity, drawn)
        five = replace(seven, name="MASH-24 in five classes", scheme=Scheme.FIVE, n_passes=1)
        _read(workspace, five, severity, drawn)


def _write_slides(folder: Path, size: Seeded) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    drawn, rows = np.random.default_rng(size.seed), []
    for animal in range(size.n_animals):
        for number in range(size.slides_each):
            name = f"liver-{animal + 1:02d}-{'ABCDEFGH'[number]}.tif"
            write_pyramid(drawn.integers(150, 255, (480, 480, 3)).astype(np.uint8), folder / name, mpp=0.5)
            site = "Basel" if animal % 2 else "Uppsala"
            group = ("vehicle", "low dose", "high dose")[animal % 3]
            rows.append([name, f"M{animal + 1:02d}", site, f"stain {animal % 4 // 2 + 1}", "scanner 1", group])
            rows[-1].append("male" if animal // 2 % 2 else "female")
    with (folder / "slides.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["file", "subject", "site", "stain_batch", "scanner", "group", "sex"], *rows])


def _severities(slides: list[Slide], drawn: np.random.Generator) -> dict[str, float]:
    """Give how much fibrosis a slide shows, in stages; slides of one animal are alike."""
    of_animal: dict[str | None, float] = {}
    for slide in slides:
        of_animal.setdefault(slide.provenance.subject, float(drawn.uniform(-0.2, 5.6)))
    return {slide.slide_id: of_animal[slide.provenance.subject] + drawn.normal(0.0, 0.25) for slide in slides}


def _staged(severity: float, scheme: Scheme) -> str:
    return scheme.of(STAGES[int(np.digitize(severity, _CUTS))])


def _store_calls(
    workspace: Workspace, slides: list[Slide], severity: dict[str, float], drawn: np.random.Generator
) -> None:
    model = store_model(workspace, is_demo=True)
    candidate = store_model(workspace, is_demo=True, name="candidate", model_id="fedcba9876543210")
    apart = np.random.default_rng(2)
    for slide in slides:
        seen = severity[slide.slide_id] + drawn.normal(0.0, 0.55)
        store_run(workspace, slide, model, varied, _call(seen))
        store_run(workspace, slide, candidate, varied, _call(seen + apart.normal(0.2, 0.3)))


def _call(seen: float) -> SlideCall:
    place = int(np.digitize(seen, _CUTS))
    weights = np.exp(-np.abs(np.arange(7) - place) / 0.7) + 0.02
    return SlideCall(
        stage=STAGES[place],
        probabilities=tuple((weights / weights.sum()).tolist()),
        continuous_score=float(np.clip(0.75 * seen, 0.0, 4.0)),
        n_patches=4,
        n_excluded=0,
        n_failed=0,
        collagen_fraction=0.02 * (place + 1),
        rule="drawn",
    )


def _read(workspace: Workspace, protocol: Protocol, severity: dict[str, float], drawn: np.random.Generator) -> None:
    study, store = workspace.studies.create(LEAD, protocol), StudyStore(workspace.database)
    names = {reader.reader_id: reader.name for reader in READERS}
    higher = dict(zip(names, _ON_READER, strict=True))
    for entry in workspace.roster.entries(study.study_id):
        if drawn.random() < 0.04:
            continue  # never read
        first = _staged(severity[entry.slide_id] + higher[entry.reader_id] + drawn.normal(0.0, 0.4), protocol.scheme)
        run = workspace.current_run(entry.slide_id)
        call = first if run is None or run.call is None else protocol.scheme.of(run.call.stage)
        final = call if drawn.random() < 0.35 else first
        for event in _events(workspace, entry, (first, call, final), drawn):
            is_signed = event.kind is not EventKind.REVEAL
            store.add_event(signed(event, entry.slide_id, names[entry.reader_id], Meaning.READ) if is_signed else event)


def _events(
    workspace: Workspace, entry: Entry, stages: tuple[str, str, str], drawn: np.random.Generator
) -> Iterator[StudyEvent]:
    first, call, final = stages
    steps = (
        (EventKind.FIRST_READ, first, None, drawn.uniform(30, 120)),
        (EventKind.REVEAL, None, call, None),
        (EventKind.FINAL_READ, final, call, drawn.uniform(4, 30)),
    )
    for kind, stage, shown, active_s in steps:
        yield StudyEvent(
            event_id=f"{entry.entry_id}-{kind.name}",
            study_id=entry.study_id,
            version=entry.version,
            entry_id=entry.entry_id,
            reader_id=entry.reader_id,
            kind=kind,
            happened_at=workspace.clock(),
            stage=stage,
            seen=Seen(call=shown),
            active_s=active_s,
            guide_version=1,
        )
