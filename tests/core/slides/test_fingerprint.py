"""A slide is its content, whatever its name."""

import shutil
from pathlib import Path

from core.slides.diagnosis import diagnose
from core.slides.fingerprint import companions, file_stamp, fingerprint


def test_the_same_content_under_another_name_is_the_same_slide(tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_bytes(b"pixels")
    (tmp_path / "😐.svs").write_bytes(b"pixels")
    assert fingerprint(tmp_path / "a.svs") == fingerprint(tmp_path / "😐.svs")


def test_other_content_is_another_slide(tmp_path: Path) -> None:
    (tmp_path / "a.svs").write_bytes(b"pixels")
    (tmp_path / "b.svs").write_bytes(b"pixelz")
    assert fingerprint(tmp_path / "a.svs") != fingerprint(tmp_path / "b.svs")


def _mrxs(folder: Path, name: str, content: bytes) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / f"{name}.mrxs").write_bytes(b"index")
    (folder / name / "Slidedat.ini").write_bytes(b"[GENERAL]")
    (folder / name / "Data0000.dat").write_bytes(content)
    return folder / f"{name}.mrxs"


def test_an_mrxs_is_its_folder_too_and_may_be_renamed_with_it(tmp_path: Path) -> None:
    first = _mrxs(tmp_path, "one", b"tissue")
    assert fingerprint(first) == fingerprint(_mrxs(tmp_path, "renamed", b"tissue"))
    assert fingerprint(first) != fingerprint(_mrxs(tmp_path, "other", b"tissuf"))
    assert file_stamp(first)[0] == len(b"index") + len(b"[GENERAL]") + len(b"tissue")


def test_a_vms_owns_the_images_it_names(tmp_path: Path) -> None:
    (tmp_path / "s.vms").write_text("[Virtual Microscope Specimen]\nImageFile=s.jpg\nMapFile=../../outside\n")
    (tmp_path / "s.jpg").write_bytes(b"jpeg")
    (tmp_path / "t.jpg").write_bytes(b"jpeg")
    assert companions(tmp_path / "s.vms") == (tmp_path / "s.jpg",)


def test_every_file_of_a_dicom_series_is_the_same_slide(shared: Path, tmp_path: Path) -> None:
    for name in ("openslide_boxes_0.dcm", "openslide_boxes_1.dcm", "highdicom_ct_image.dcm"):
        shutil.copy(shared / "bad_inputs" / name, tmp_path / name)
    first, second, other = (fingerprint(path) for path in sorted(tmp_path.iterdir(), reverse=True))
    assert first == second
    assert other != first
    (tmp_path / "openslide_boxes_1.dcm").unlink()
    assert fingerprint(tmp_path / "openslide_boxes_0.dcm") != first


def test_a_damaged_dicom_header_still_gives_a_slide_an_identity(shared: Path, tmp_path: Path) -> None:
    content = bytearray((shared / "bad_inputs" / "openslide_boxes_0.dcm").read_bytes())
    content[150:400] = bytes(250)
    (tmp_path / "damaged.dcm").write_bytes(content)
    assert len(fingerprint(tmp_path / "damaged.dcm")) == 32
    assert "damaged" in diagnose(tmp_path / "damaged.dcm") or "modality" in diagnose(tmp_path / "damaged.dcm")
