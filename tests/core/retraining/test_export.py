from __future__ import annotations

import hashlib
import itertools
import json
import subprocess
import sys
import textwrap
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.domain.datasets import Isolation, LeftOutReason, Split, TrainingSet
from core.domain.errors import Cancelled, FolderTaken, LeakingSplit, RunDamaged, TooFewSubjects, UserMustAct
from core.domain.quality import Concern, ConcernCode
from core.domain.stages import Stage
from core.preprocess.quality import QUALITY_VERSION
from core.retraining.export import (
    ExportPlan,
    ExportSources,
    folder_named,
    plan_training_set,
    write_plan,
    write_training_set,
)
from core.retraining.images import Watch, watch_of
from core.retraining.manifest import COLUMNS, content_sha256, read_manifest
from core.retraining.selection import ExportRequest
from core.side_work import Told, Underway
from tests.core.retraining.training_material import NOON, NoiseReaders, ReadMaker, make_sources, with_reads

REQUEST = ExportRequest()


def write(sources: ExportSources, out: Path, request: ExportRequest = REQUEST) -> TrainingSet:
    return write_training_set(request, sources, out)


def readers_of(sources: ExportSources) -> NoiseReaders:
    assert isinstance(sources.readers, NoiseReaders)
    return sources.readers


def forged(plan: ExportPlan) -> ExportPlan:
    """Move one patch of a subject to another side."""
    patches = list(plan.patches)
    victim = patches[0]
    other = Split.TEST if victim.split is Split.TRAIN else Split.TRAIN
    return replace(plan, patches=(replace(victim, split=other), *patches[1:]))


def test_a_planted_leak_is_refused_and_names_the_subject(tmp_path: Path) -> None:
    sources = make_sources()
    plan = forged(plan_training_set(REQUEST, sources))
    with pytest.raises(LeakingSplit) as caught:
        write_plan(plan, sources, tmp_path / "set", Watch())
    assert caught.value.names == (plan.patches[0].subject,)
    assert plan.patches[0].subject in str(caught.value)
    assert readers_of(sources).n_reads == 0
    assert not list(tmp_path.iterdir())


def test_a_leak_that_appears_in_the_manifest_is_refused_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = make_sources()

    def read_forged(path: Path) -> tuple[dict[str, str | int | None], ...]:
        rows = [dict(row) for row in read_manifest(path)]
        rows[0]["split"] = "test" if rows[0]["split"] != "test" else "train"
        return tuple(rows)

    monkeypatch.setattr("core.retraining.export.read_manifest", read_forged)
    with pytest.raises(LeakingSplit):
        write(sources, tmp_path / "set")
    assert not list(tmp_path.iterdir())


def test_one_image_on_two_sides_is_refused(tmp_path: Path) -> None:
    sources = make_sources()
    plan = plan_training_set(REQUEST, sources)
    one = next(patch for patch in plan.patches if patch.split is Split.TRAIN)
    other = next(patch for patch in plan.patches if patch.split is Split.TEST)
    readers_of(sources).same_everywhere = {(p.slide_id, p.box.x_px, p.box.y_px) for p in (one, other)}
    with pytest.raises(LeakingSplit, match=r"^The image subject") as caught:
        write(sources, tmp_path / "set")
    assert one.subject in str(caught.value)
    assert other.subject in str(caught.value)
    assert not list(tmp_path.iterdir())


def test_the_same_reads_give_the_same_content_and_files(tmp_path: Path) -> None:
    sources = make_sources()
    first = write(sources, tmp_path / "first")
    later = replace(sources, written_at=NOON.replace(year=2027), reads=tuple(reversed(sources.reads)))
    second = write(later, tmp_path / "elsewhere" / "second")
    assert first.content_sha256 == second.content_sha256
    for name in ("manifest.parquet", "splits.json", "recipe.json", "README.txt"):
        assert (first.path / name).read_bytes() == (second.path / name).read_bytes()


def test_another_read_another_seed_or_other_pixels_change_the_content(tmp_path: Path) -> None:
    sources = make_sources()
    more = with_reads(sources, ReadMaker(sequence=900).read(sources.slides[0], 77, Stage.S4))
    patch = plan_training_set(REQUEST, sources).patches[0]
    other_pixels = NoiseReaders(same_everywhere={(patch.slide_id, patch.box.x_px, patch.box.y_px)})
    contents = {
        write(sources, tmp_path / "a").content_sha256,
        write(more, tmp_path / "b").content_sha256,
        write(sources, tmp_path / "c", ExportRequest(seed=2)).content_sha256,
        write(replace(sources, readers=other_pixels), tmp_path / "d").content_sha256,
    }
    assert len(contents) == 4


def test_the_content_hash_can_be_made_again_from_the_manifest_alone(tmp_path: Path) -> None:
    written = write(make_sources(), tmp_path / "set")
    digest = hashlib.sha256(b"training-set-1\n")
    manifest = pd.read_parquet(tmp_path / "set/manifest.parquet").sort_values("file")
    kept = manifest.drop(columns=["slide", "png_sha256", "perceptual_hash"]).astype(object)
    for row in kept.where(kept.notna(), None).to_dict("records"):
        digest.update(json.dumps(row, sort_keys=True).encode() + b"\n")
    assert digest.hexdigest() == written.content_sha256
    assert content_sha256(read_manifest(tmp_path / "set/manifest.parquet")) == written.content_sha256


def test_every_checksum_holds_and_every_file_has_one(tmp_path: Path) -> None:
    out = write(make_sources(), tmp_path / "set").path
    lines = dict(reversed(line.split("  ", 1)) for line in (out / "checksums.txt").read_text().splitlines())
    files = {path.relative_to(out).as_posix(): path for path in out.rglob("*") if path.is_file()}
    assert set(lines) == set(files) - {"checksums.txt"}
    assert all(hashlib.sha256(files[name].read_bytes()).hexdigest() == found for name, found in lines.items())


def test_it_opens_with_pandas_and_pillow(tmp_path: Path) -> None:
    sources = make_sources()
    out = write(sources, tmp_path / "set").path
    manifest = pd.read_parquet(out / "manifest.parquet")
    assert tuple(manifest.columns) == COLUMNS
    assert len(manifest) == len(sources.reads)
    assert set(manifest["split"]) == {"train", "validation", "test"}
    row = manifest.iloc[5]
    with Image.open(out / row["file"]) as image:
        assert (image.mode, image.size, image.info) == ("RGB", (224, 224), {})
        pixels = np.asarray(image)
    assert hashlib.sha256(pixels.tobytes()).hexdigest() == row["pixels_sha256"]
    assert hashlib.sha256((out / row["file"]).read_bytes()).hexdigest() == row["png_sha256"]
    assert row["file"] == f"patches/{row['stage']}/{row['slide_id']}_{row['patch']}.png"


def test_the_readmes_own_lines_open_it_one_side_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = write(make_sources(), tmp_path / "set").path
    text = (out / "README.txt").read_text()
    code = "\n".join(textwrap.dedent(part) for part in text.split("\n\n") if part.startswith("    "))
    monkeypatch.chdir(out)
    scope: dict[str, object] = {}
    exec(code, scope)
    assert len(scope["dataset"]) == len(scope["train"]) > 0  # type: ignore[arg-type]


def test_a_box_is_read_where_the_grid_says(tmp_path: Path) -> None:
    manifest = pd.read_parquet(write(make_sources(), tmp_path / "set").path / "manifest.parquet")
    third = manifest[manifest["patch"] == 3].iloc[0]
    assert (third["x_px"], third["y_px"], third["width_px"], third["height_px"]) == (672, 0, 224, 224)


def test_the_proof_of_isolation_lists_who_is_where(tmp_path: Path) -> None:
    request = ExportRequest(isolation=Isolation.SITE, fractions=(0.5, 0.0, 0.5))
    out = write(make_sources(), tmp_path / "set", request).path
    splits = json.loads((out / "splits.json").read_text())
    proof = splits["proof_of_isolation"]
    assert proof["subjects_on_two_sides"] == proof["sites_on_two_sides"] == []
    assert sorted(itertools.chain(*proof["subjects"].values())) == [f"Rat {n}" for n in range(8)]
    assert sorted(proof["sites"].values()) == [["Basel"], ["Kyoto"]]
    assert sum(sum(stages.values()) for stages in splits["patches_by_stage"].values()) == proof["n_patches"] == 32


@pytest.mark.parametrize("crash_after", [0, 1, 20, 31])
def test_a_crash_in_mid_write_leaves_nothing(tmp_path: Path, crash_after: int) -> None:
    sources = replace(make_sources(), readers=NoiseReaders(crash_after=crash_after))
    with pytest.raises(OSError, match="No space"):
        write(sources, tmp_path / "new" / "deep" / "set")
    assert not list(tmp_path.iterdir())


def test_a_disk_that_changes_an_image_is_noticed_and_nothing_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = make_sources()

    def spoil(path: Path, *_: object) -> None:
        next(path.parent.rglob("*.png")).write_bytes(b"spoilt")

    monkeypatch.setattr("core.retraining.export.write_splits", spoil)
    with pytest.raises(RunDamaged, match="reads back differently"):
        write(sources, tmp_path / "set")
    assert not list(tmp_path.iterdir())


def test_a_killed_process_leaves_no_set_under_its_name(tmp_path: Path) -> None:
    program = textwrap.dedent(
        """
        import os, signal, sys
        from pathlib import Path
        from core.retraining.export import write_training_set
        from core.retraining.images import Watch
        from core.retraining.selection import ExportRequest
        from tests.core.retraining.training_material import make_sources
        def stop(n_done, n_total, words):
            if n_done == 10:
                os.kill(os.getpid(), signal.SIGKILL)
        write_training_set(ExportRequest(), make_sources(), Path(sys.argv[1]), Watch(progress=stop))
        """
    )
    ended = subprocess.run([sys.executable, "-c", program, tmp_path / "set"], check=False, cwd=Path.cwd())
    assert ended.returncode < 0
    assert not (tmp_path / "set").exists()
    assert write(make_sources(), tmp_path / "set").n_patches == 32


def test_cancelling_leaves_nothing(tmp_path: Path) -> None:
    seen: list[int] = []
    watch = Watch(progress=lambda n_done, *_: seen.append(n_done), is_cancelled=lambda: len(seen) == 5)
    with pytest.raises(Cancelled):
        write_training_set(REQUEST, make_sources(), tmp_path / "set", watch)
    assert seen == [0, 1, 2, 3, 4]
    assert not list(tmp_path.iterdir())


def test_an_empty_folder_is_taken_and_a_full_one_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert write(make_sources(), tmp_path / "empty").path == tmp_path / "empty"
    with pytest.raises(FolderTaken):
        write(make_sources(), tmp_path / "empty")
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FolderTaken):
        write(make_sources(), tmp_path / "file")
    assert (tmp_path / "file").read_text() == "mine"


def test_patches_that_cannot_be_read_are_left_out_and_counted(tmp_path: Path) -> None:
    sources = make_sources()
    patches = plan_training_set(REQUEST, sources).patches
    broken = patches[0]
    changed = next(patch for patch in patches if patch.slide_id != broken.slide_id and patch.split is Split.TRAIN)
    readers_of(sources).unreadable = {(broken.slide_id, broken.box.x_px, broken.box.y_px)}
    readers_of(sources).changed = {changed.slide_id}
    written = write(sources, tmp_path / "set")
    assert dict(written.left_out) == {LeftOutReason.UNREADABLE.value: 1, LeftOutReason.SLIDE_CHANGED.value: 4}
    card = json.loads((written.path / "card.json").read_text())
    assert {"patch": broken.patch_index, "reason": "pixels cannot be read"}.items() <= next(
        row.items() for row in card["left_out"]["patches"] if row["slide_id"] == broken.slide_id
    )
    assert written.n_patches == card["n_patches"] == 27


def test_a_set_that_loses_a_whole_side_to_lost_slides_is_refused(tmp_path: Path) -> None:
    sources = make_sources()
    held_out = {p.slide_id for p in plan_training_set(REQUEST, sources).patches if p.split is Split.TEST}
    readers_of(sources).changed = held_out
    with pytest.raises(TooFewSubjects, match="readable subjects, and there are 2"):
        write(sources, tmp_path / "set")
    assert not list(tmp_path.iterdir())


def test_a_set_of_demo_slides_is_marked_and_another_is_not(tmp_path: Path) -> None:
    demo = write(make_sources(is_demo=True), tmp_path / "demo").path
    real = write(make_sources(), tmp_path / "real").path
    assert "DEMO" in json.loads((demo / "card.json").read_text())["mark"]
    assert "DEMO" in (demo / "README.txt").read_text()
    assert json.loads((real / "card.json").read_text())["mark"] is None
    assert "DEMO" not in (real / "README.txt").read_text()


def test_the_recipe_and_the_raw_colours_are_said(tmp_path: Path) -> None:
    sources = make_sources()
    plain = json.loads((write(sources, tmp_path / "set").path / "recipe.json").read_text())
    assert (plain["patch_px"], plain["mpp"], plain["stain_applied"]) == (224, 0.5, "none")
    assert plain["recipes"] == json.loads(json.dumps({one.hash: one.to_json() for one in sources.recipes}))


@pytest.mark.parametrize("name", ["", "..", "../up", "a/b", ".hidden", "a" * 81, "with space"])
def test_a_set_in_our_own_folder_has_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserMustAct):
        folder_named(tmp_path, name)
    assert folder_named(tmp_path, "training-1.a") == tmp_path / "training-1.a"


def test_an_export_beside_the_page_ends_with_its_set(tmp_path: Path) -> None:
    running = Underway(lambda told: write_training_set(REQUEST, make_sources(), tmp_path / "set", watch_of(told)))
    assert running.wait(30)
    assert running.outcome is not None
    assert running.problem is None
    assert (running.share, running.words) == (1.0, "32 of 32 patches, done")


def test_an_export_beside_the_page_says_why_it_ended_without_one(tmp_path: Path) -> None:
    broken = replace(make_sources(), readers=NoiseReaders(crash_after=3))
    running = Underway(lambda told: write_training_set(REQUEST, broken, tmp_path / "set", watch_of(told)))
    assert running.wait(30)
    assert running.outcome is None
    assert "No space left" in str(running.problem)


def test_an_export_beside_the_page_can_be_stopped(tmp_path: Path) -> None:
    has_begun, is_asked_to_stop = threading.Event(), threading.Event()

    def work(told: Told) -> TrainingSet:
        has_begun.set()
        is_asked_to_stop.wait(30)
        return write_training_set(REQUEST, make_sources(), tmp_path / "set", watch_of(told))

    running = Underway(work)
    assert has_begun.wait(30)
    running.cancel()
    is_asked_to_stop.set()
    assert running.wait(30)
    assert "stopped" in str(running.problem)
    assert not list(tmp_path.iterdir())


def test_what_the_gate_left_out_is_not_in_the_set_and_is_counted(tmp_path: Path) -> None:
    sources = make_sources()
    victim = sources.select(REQUEST).patches[0]
    gate = {LeftOutReason.QUALITY: lambda patches: [patch.read_id == victim.read_id for patch in patches]}
    gated = replace(sources, keepers_out=gate)
    written = write(gated, tmp_path / "set")
    assert dict(written.left_out)[LeftOutReason.QUALITY.value] == 1
    assert written.n_patches == len(sources.select(REQUEST).patches) - 1


def test_the_card_names_the_gate_and_the_slides_with_concerns(tmp_path: Path) -> None:
    sources = make_sources()
    concern = Concern(code=ConcernCode.FAINT_STAIN, sentence="pale")
    write(replace(sources, concerns={sources.slides[0].slide_id: (concern,)}), tmp_path / "set")
    gate = json.loads((tmp_path / "set" / "card.json").read_text())["quality_gate"]
    assert gate["version"] == QUALITY_VERSION
    assert gate["slides_with_concerns"] == {sources.slides[0].name: [{"code": "faint stain", "sentence": "pale"}]}
