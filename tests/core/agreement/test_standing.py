"""Standing reads become ratings: who shares a name stays two readers, and the model stands beside the same items."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from core.agreement.standing import ratings_of
from core.domain.geometry import Box
from core.domain.people import ReaderId
from core.domain.reads import Disposition, Item, Read, ReadId, Sight
from core.domain.slides import Provenance, ScanProperties, Slide, SlideId
from core.domain.stages import Stage

AT = datetime(2026, 11, 21, tzinfo=UTC)
SCAN = ScanProperties(
    width_px=100,
    height_px=100,
    bounds=Box(x_px=0, y_px=0, width_px=100, height_px=100),
    mpp=None,
    objective_power=None,
    vendor="test",
    has_icc_profile=False,
)


def slide(number: int, subject: str | None) -> Slide:
    return Slide(
        slide_id=SlideId(f"{number:032x}"),
        name=f"slide {number}",
        path=Path("a.tif"),
        source_path=Path("a.tif"),
        file_stamp=(1, 1),
        scan=SCAN,
        provenance=Provenance(subject=subject),
        registered_at=AT,
    )


def read(reader: str, of: Slide, stage: Stage | None, disposition: Disposition = Disposition.STAGED) -> Read:
    return Read(
        read_id=ReadId(f"{reader}-{of.slide_id}"),
        event_id=f"{reader}-{of.slide_id}",
        reader_id=ReaderId(reader),
        item=Item(slide_id=of.slide_id),
        disposition=disposition,
        stage=stage,
        confidence=None,
        comment=None,
        sight=Sight(),
        replaces=None,
        undoes=None,
        read_at=AT,
        sequence=1,
    )


SLIDES = {one.slide_id: one for one in (slide(1, "animal 1"), slide(2, "animal 1"), slide(3, None))}
FIRST, SECOND, THIRD = SLIDES.values()
NAMES = {ReaderId("ann"): "Ann", ReaderId("ann-2"): "Ann", ReaderId("bo"): "Bo"}


def test_two_readers_of_one_name_stay_two() -> None:
    reads = (read("ann", FIRST, Stage.S1A), read("ann-2", FIRST, Stage.S3))
    ratings = ratings_of(reads, SLIDES, {}, NAMES, None)
    assert ratings.readers == ("Ann [ann]", "Ann [ann-2]")
    assert ratings.n_repeated_reads == 0


def test_the_model_is_one_more_reader_of_the_items_that_people_read() -> None:
    calls = {Item(slide_id=one.slide_id): Stage.S2 for one in SLIDES.values()}
    ratings = ratings_of((read("bo", FIRST, Stage.S2),), SLIDES, calls, NAMES, "Model")
    assert ratings.model_reader == "Model"
    assert ratings.n_items == 1
    assert ratings.column("Model").tolist() == ratings.column("Bo").tolist() == [Stage.S2.index]


def test_deferred_and_withdrawn_reads_carry_no_stage() -> None:
    reads = (
        read("bo", FIRST, Stage.S2),
        read("bo", SECOND, Stage.S2, Disposition.DEFERRED),
        read("bo", THIRD, None, Disposition.WITHDRAWN),
    )
    assert ratings_of(reads, SLIDES, {}, NAMES, None).n_items == 1


def test_two_slides_of_one_animal_are_one_subject() -> None:
    reads = (read("bo", FIRST, Stage.S2), read("bo", SECOND, Stage.S2))
    assert ratings_of(reads, SLIDES, {}, NAMES, None).n_subjects == 1
