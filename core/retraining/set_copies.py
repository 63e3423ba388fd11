"""Whether a set to be would have images of the frozen test learned from: told before anything of it is written.

Its patches are read from their slides as the writing would read them, a few at a time, and compared as the writing
compares them; the first of which some are copies end it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice

from core.domain.datasets import LeftOutReason, TrainingPatch
from core.retraining.export import ExportPlan, ExportSources, open_frozen
from core.retraining.frozen_images import Learned
from core.retraining.images import Watch, read_patches
from core.retraining.isolation import SideRow
from core.retraining.looks import look_at
from core.retraining.near_duplicates import Comparison, Rgb
from core.retraining.open_set import pixels_sha256

_AT_ONCE = 256


def look_for_copies(plan: ExportPlan, sources: ExportSources, watch: Watch) -> Comparison | None:
    """Give what was compared when nothing of the frozen test would be learned from; None where no test is frozen.

    Patches that cannot be read are left out, as the writing would.
    Raises: CopiesFrozenTest, naming patches and animals of both; Cancelled.
    """
    frozen = open_frozen(plan, sources, watch)
    if frozen is None:
        return None
    patches = plan.learned
    frozen.refuse_slides([SideRow.of(patch) for patch in patches])
    compared, n_done = Comparison(n_pairs=0, n_candidates=0, closest=None, found=()), 0
    found = _read(plan, patches, sources)
    while some := tuple(islice(found, _AT_ONCE)):
        watch.tell(n_done, len(patches), some[0][0].slide_name)
        compared = compared.with_further(frozen.prove_apart(_learned(some)))
        n_done += len(some)
    watch.tell(len(patches), len(patches), "done")
    return compared


def _read(
    plan: ExportPlan, patches: Sequence[TrainingPatch], sources: ExportSources
) -> Iterator[tuple[TrainingPatch, Rgb]]:
    slides = {slide.slide_id: slide for slide in sources.slides}
    for patch, pixels in read_patches(patches, slides, sources.readers, plan.patch_size.side_px):
        if not isinstance(pixels, LeftOutReason):
            yield patch, pixels


def _learned(some: Sequence[tuple[TrainingPatch, Rgb]]) -> Learned:
    looks = [look_at(pixels) for _, pixels in some]
    return Learned(
        rows=[
            replace(SideRow.of(patch), perceptual=hashed, image=pixels_sha256(pixels))
            for (patch, pixels), (hashed, _) in zip(some, looks, strict=True)
        ],
        shrunk=[shrunk for _, shrunk in looks],
        image=lambda place: some[place][1],
    )
