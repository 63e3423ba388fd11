"""Every file of a folder ends in an outcome, and a slide stays itself through copies, moves and changes."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import pyvips

from core.domain.errors import BadSlide, BadTable, NothingToDo, SlideChanged, UserMustAct
from core.domain.slides import Provenance, RegistrationStatus
from core.slides.catalogue import Catalogue, Request
from core.slides.reader import SlideReaders
from tests.core.slides.memory_store import NOW, MemoryStore, catalogue_in, register, write_slide

REGISTERED, DUPLICATE, REFUSED = RegistrationStatus.REGISTERED, RegistrationStatus.DUPLICATE, RegistrationStatus.REFUSED


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def catalogue(tmp_path: Path, store: MemoryStore) -> Catalogue:
    return catalogue_in(tmp_path / "kept", store)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "scans"
    write_slide(folder / "a.tif", shade=100)
    write_slide(folder / "deeper" / "b.tif", shade=140)
    return folder


def test_slides_of_folders_within_are_registered_in_sorted_order(catalogue: Catalogue, folder: Path) -> None:
    outcomes = list(catalogue.register_folder(folder, actor="Ada"))
    assert [(outcome.path.name, outcome.status) for outcome in outcomes] == [
        ("a.tif", REGISTERED),
        ("b.tif", REGISTERED),
    ]


def test_a_slide_carries_what_its_file_says(catalogue: Catalogue, folder: Path) -> None:
    slide = register(catalogue, folder)["a.tif"].slide
    assert slide is not None
    assert (slide.name, slide.scan.width_px, slide.scan.height_px) == ("a", 400, 300)
    assert slide.mpp is not None
    assert slide.mpp.x == pytest.approx(0.5)
    assert slide.registered_at == NOW


def test_a_second_import_finds_everything_registered(catalogue: Catalogue, folder: Path) -> None:
    register(catalogue, folder)
    assert {outcome.status for outcome in register(catalogue, folder).values()} == {DUPLICATE}


def test_a_copy_under_another_name_is_the_same_slide(catalogue: Catalogue, folder: Path, store: MemoryStore) -> None:
    shutil.copy(folder / "a.tif", folder / "a copy 😐.tif")
    outcomes = register(catalogue, folder)
    assert len(store.kept) == 2
    statuses = {outcomes[name].status for name in ("a.tif", "a copy 😐.tif")}
    assert statuses == {REGISTERED, DUPLICATE}
    assert outcomes["a.tif"].slide == outcomes["a copy 😐.tif"].slide


def test_a_changed_file_is_a_new_slide_and_the_old_one_is_flagged(
    catalogue: Catalogue, folder: Path, store: MemoryStore
) -> None:
    old = register(catalogue, folder)["a.tif"].slide
    assert old is not None
    write_slide(folder / "a.tif", shade=180)
    outcome = register(catalogue, folder)["a.tif"]
    assert outcome.status is REGISTERED
    assert "held other content before" in (outcome.reason or "")
    assert store.kept[old.slide_id] == old
    with pytest.raises(SlideChanged):
        catalogue.verify(old)
    with pytest.raises(SlideChanged), SlideReaders().lease(old):
        pass


def test_a_slide_that_moved_is_opened_from_its_new_place(
    catalogue: Catalogue, folder: Path, tmp_path: Path, store: MemoryStore
) -> None:
    old = register(catalogue, folder)["a.tif"].slide
    assert old is not None
    folder.rename(tmp_path / "archive")
    with pytest.raises(BadSlide):
        catalogue.verify(old)
    outcome = register(catalogue, tmp_path / "archive")["a.tif"]
    assert outcome.status is DUPLICATE
    assert "now opened from" in (outcome.reason or "")
    assert store.kept[old.slide_id].path == tmp_path / "archive" / "a.tif"
    catalogue.verify(store.kept[old.slide_id])


def test_a_copy_does_not_take_the_place_of_a_file_that_is_there(
    catalogue: Catalogue, folder: Path, store: MemoryStore
) -> None:
    register(catalogue, folder)
    shutil.copy(folder / "a.tif", folder / "z.tif")
    register(catalogue, folder)
    assert {slide.path.name for slide in store.kept.values()} == {"a.tif", "b.tif"}


def test_a_plain_picture_becomes_a_pyramid_once_and_waits_for_its_scale(
    catalogue: Catalogue, tmp_path: Path, store: MemoryStore
) -> None:
    _picture(tmp_path / "scans" / "region.png")
    outcome = register(catalogue, tmp_path / "scans")["region.png"]
    slide = outcome.slide
    assert slide is not None
    assert slide.path == tmp_path / "kept" / "slides" / f"{slide.slide_id}.tif"
    assert slide.source_path.name == "region.png"
    assert slide.mpp is None
    assert outcome.reason == "the file does not state its microns per pixel"
    made_at = slide.path.stat().st_mtime_ns
    assert register(catalogue, tmp_path / "scans")["region.png"].status is DUPLICATE
    assert slide.path.stat().st_mtime_ns == made_at


def test_a_pyramid_of_ours_is_still_itself_after_the_data_folder_was_copied(
    catalogue: Catalogue, tmp_path: Path
) -> None:
    _picture(tmp_path / "scans" / "region.png")
    slide = register(catalogue, tmp_path / "scans")["region.png"].slide
    assert slide is not None
    slide.path.touch()
    catalogue.verify(slide)
    write_slide(slide.path, shade=10)
    with pytest.raises(SlideChanged):
        catalogue.verify(slide)


def test_a_stated_scale_is_recorded_with_who_and_when_only_where_the_file_has_none(
    catalogue: Catalogue, folder: Path
) -> None:
    _picture(folder / "region.png")
    outcomes = register(catalogue, folder, mpp=0.25)
    of_picture, of_slide = (outcomes[name].slide for name in ("region.png", "a.tif"))
    assert of_picture is not None
    assert of_picture.stated_mpp is not None
    assert (of_picture.stated_mpp.stated_by, of_picture.stated_mpp.stated_at) == ("Ada", NOW)
    assert of_slide is not None
    assert of_slide.stated_mpp is None


def test_a_scale_stated_with_a_later_import_is_taken_where_none_was(catalogue: Catalogue, folder: Path) -> None:
    _picture(folder / "region.png")
    register(catalogue, folder)
    outcome = register(catalogue, folder, mpp=0.25)["region.png"]
    assert "0.25 um per pixel was stated" in (outcome.reason or "")
    assert outcome.slide is not None
    assert outcome.slide.mpp is not None


@pytest.mark.parametrize("mpp", [352.8, 0.0, -1.0, float("nan")])
def test_an_absurd_stated_scale_is_refused_before_anything_is_registered(
    catalogue: Catalogue, folder: Path, store: MemoryStore, mpp: float
) -> None:
    with pytest.raises(UserMustAct):
        catalogue.register_folder(folder, actor="Ada", mpp=mpp)
    assert store.kept == {}


def test_the_table_brings_the_provenance(catalogue: Catalogue, folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("file,subject,site\na.tif,M1,north\n")
    outcomes = register(catalogue, folder, metadata=table)
    assert outcomes["a.tif"].slide is not None
    assert outcomes["a.tif"].slide.provenance == Provenance(subject="M1", site="north")
    assert outcomes["b.tif"].reason == "the table has no row for it"


def test_a_table_that_names_an_unknown_file_stops_the_import_before_it_begins(
    catalogue: Catalogue, folder: Path, tmp_path: Path, store: MemoryStore
) -> None:
    table = tmp_path / "table.csv"
    table.write_text("file,subject\na.tif,M1\nnone.tif,M2\n")
    with pytest.raises(BadTable, match="line 3"):
        catalogue.register_folder(folder, actor="Ada", metadata=table)
    assert (store.kept, store.refused) == ({}, [])


def test_a_table_given_later_reaches_slides_that_are_known(
    catalogue: Catalogue, folder: Path, tmp_path: Path, store: MemoryStore
) -> None:
    register(catalogue, folder)
    table = tmp_path / "table.csv"
    table.write_text("file,subject\na.tif,M1\nb.tif,M2\n")
    outcomes = register(catalogue, folder, metadata=table)
    assert {outcome.status for outcome in outcomes.values()} == {DUPLICATE}
    assert sorted(slide.provenance.subject or "" for slide in store.kept.values()) == ["M1", "M2"]


def test_progress_tells_every_file_and_the_end(catalogue: Catalogue, folder: Path) -> None:
    told: list[tuple[int, int, str]] = []
    register(catalogue, folder, progress=lambda done, total, name: told.append((done, total, name)))
    assert told == [(0, 2, "a.tif"), (1, 2, "b.tif"), (2, 2, "")]


def test_a_folder_without_slides_or_none_at_all_is_said_at_once(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(NothingToDo, match="no slide"):
        catalogue.register_folder(tmp_path, actor="Ada")
    with pytest.raises(NothingToDo, match="no folder"):
        catalogue.register_folder(tmp_path / "none", actor="Ada")


def test_hidden_files_companions_and_our_own_pyramids_are_left_out(tmp_path: Path, store: MemoryStore) -> None:
    scans = tmp_path / "scans"
    catalogue = catalogue_in(scans / "kept", store)
    for name in (".a.tif", ".hidden/a.tif", "kept/slides/ours.tif", "m/Data.tif", "shown.tif"):
        write_slide(scans / name)
    (scans / "m.mrxs").write_bytes(b"not a real index")
    assert sorted(register(catalogue, scans)) == ["m.mrxs", "shown.tif"]


def test_a_file_whose_name_is_no_text_is_read_all_the_same(tmp_path: Path, catalogue: Catalogue, folder: Path) -> None:
    strange = folder / b"strange\xff.png".decode("utf-8", "surrogateescape")
    _picture(folder / "region.png")
    (folder / "region.png").rename(strange)
    assert register(catalogue, folder)[strange.name].status is REGISTERED


def test_a_demo_slide_is_registered_once_and_marked(catalogue: Catalogue, folder: Path) -> None:
    first = catalogue.register_demo(folder / "a.tif", Provenance(subject="M1"), actor="demo")
    assert first.is_demo
    assert catalogue.register_demo(folder / "a.tif", Provenance(subject="M1"), actor="demo") == first


def test_a_demo_slide_that_is_broken_is_an_error(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "broken.tif").write_bytes(b"")
    with pytest.raises(BadSlide, match="empty"):
        catalogue.register_demo(tmp_path / "broken.tif", Provenance(), actor="demo")


def test_a_file_that_vanishes_is_refused_with_the_reason(catalogue: Catalogue, tmp_path: Path) -> None:
    outcome = catalogue.register_file(tmp_path / "gone.svs", Request(actor="Ada"))
    assert outcome.status is REFUSED
    assert "No such file" in (outcome.reason or "")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("wsiprocess_corrupted_empty.ndpi", "0 bytes"),
        ("histolab_broken.svs", "text"),
        ("CMU-1-Small-Region_first60pct.svs", "cut short"),
        ("CMU-1-Small-Region_first99pct.svs", "cut short"),
        ("highdicom_ct_image.dcm", "modality CT"),
        ("openslide_unopenable.tiff", "Unsupported TIFF compression"),
        ("openslide_unreadable.svs", "Bogus marker length"),
        ("large_image_grey10kx5k.tif", "greyscale"),
    ],
)
def test_a_broken_file_is_refused_in_words(
    catalogue: Catalogue, store: MemoryStore, shared: Path, name: str, reason: str
) -> None:
    outcome = catalogue.register_file(shared / "bad_inputs" / name, Request(actor="Ada"))
    assert outcome.status is REFUSED
    assert reason in (outcome.reason or "")
    assert store.refused == [(outcome.path, outcome.reason)]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("CMU-1-Small-Region_badtiles.svs", "13 of 130 probed places could not be read"),
        ("openslide_small.svs", None),
        ("😐.svs", None),
        ("pathml_small_HE_levels.tiff", "print setting"),
        ("large_image_orient3.tif", "orientation tag"),
        ("openslide_boxes_0.dcm", None),
    ],
)
def test_a_strange_but_valid_file_is_registered_with_a_word(
    catalogue: Catalogue, shared: Path, name: str, reason: str | None
) -> None:
    outcome = catalogue.register_file(shared / "bad_inputs" / name, Request(actor="Ada"))
    assert outcome.status is REGISTERED
    assert outcome.reason is None if reason is None else reason in (outcome.reason or "")


def test_no_broken_file_stops_the_import_of_the_others(catalogue: Catalogue, shared: Path) -> None:
    outcomes = register(catalogue, shared / "bad_inputs")
    assert len(outcomes) == 15
    assert sum(outcome.status is REFUSED for outcome in outcomes.values()) == 8
    assert outcomes["openslide_boxes_1.dcm"].status is DUPLICATE


def _picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    ramp = pyvips.Image.xyz(320, 200)[0].cast("uchar")
    ramp.bandjoin([ramp, ramp.invert()]).copy(interpretation="srgb").pngsave(str(path))
