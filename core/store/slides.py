"""Slides: what was registered, and the facts that people and files added later. The latest row of a fact stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from core.domain.errors import BadSlide
from core.domain.geometry import Box
from core.domain.slides import (
    Provenance,
    RegistrationOutcome,
    RegistrationStatus,
    ScanProperties,
    Slide,
    SlideId,
    StatedMpp,
)
from core.domain.units import Mpp
from core.store import audit
from core.store.audit import Deed, OpenEntry, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class SlideStore:
    """The registered slides and the refused files."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._slides = Kept(database, self._query_slides)

    def add_slide(self, slide: Slide, actor: str, reason: str | None = None) -> None:
        """Store a slide with all that it carries; one that is stored already stays as it is.

        Raises: BadSlide when the file's name is no Unicode text and so could not be found again.
        """
        _refuse_unstorable(slide)
        deed = Deed(actor=actor, action="slide registered", subject=slide.slide_id, reason=reason)
        with self._database.transaction() as cursor:
            if cursor.execute("SELECT 1 FROM slide WHERE slide_id = $id", {"id": slide.slide_id}).fetchone():
                return
            with audit.entry(cursor, deed, self._database.now()) as entry:
                entry.insert("slide", _INSERT_SLIDE, _slide_row(slide))
                self._insert_place(entry, slide)
                entry.insert("slide_provenance", _INSERT_PROVENANCE, _provenance_row(slide.slide_id, slide.provenance))
                if slide.stated_mpp:
                    entry.insert("slide_mpp", _INSERT_MPP, _mpp_row(slide.slide_id, slide.stated_mpp))

    def slide_by_id(self, slide_id: SlideId) -> Slide | None:
        """Give a slide, or None when none is registered under this id."""
        return self._slides.get().get(slide_id)

    def slides(self) -> tuple[Slide, ...]:
        """Give every slide in the order of registration."""
        return tuple(self._slides.get().values())

    def set_provenance(self, slide_id: SlideId, provenance: Provenance, actor: str, reason: str | None = None) -> None:
        """Store where a slide comes from, in place of what stood; the same again writes nothing."""
        slide = self._known(slide_id)
        if slide.provenance == provenance:
            return
        deed = Deed(actor=actor, action="provenance set", subject=slide_id, reason=reason)
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("slide_provenance", _INSERT_PROVENANCE, _provenance_row(slide_id, provenance))

    def set_stated_mpp(self, slide_id: SlideId, stated: StatedMpp, *, reason: str | None = None) -> None:
        """Store the microns per pixel that a person typed, in place of what stood."""
        self._known(slide_id)
        deed = Deed(actor=stated.stated_by, action="microns per pixel stated", subject=slide_id, reason=reason)
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("slide_mpp", _INSERT_MPP, _mpp_row(slide_id, stated))

    def set_place(self, slide: Slide, actor: str, reason: str | None = None) -> None:
        """Store where the file of a known slide lies now: its path, source path and file stamp."""
        self._known(slide.slide_id)
        _refuse_unstorable(slide)
        deed = Deed(actor=actor, action="slide found at another place", subject=slide.slide_id, reason=reason)
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            self._insert_place(entry, slide)

    def record_refusal(self, path: Path, reason: str, actor: str) -> None:
        """Store that a file was not registered, and why."""
        name = _readable(str(path))
        row: dict[str, Value] = {
            "path": name,
            "reason": _readable(reason),
            "refused_at": to_column(self._database.now()),
        }
        deed = Deed(actor=actor, action="file refused", subject=name, reason=_readable(reason))
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("refusal", _INSERT_REFUSAL, row)

    def refusals(self) -> tuple[RegistrationOutcome, ...]:
        """Give every refusal in order."""
        with self._database.cursor() as cursor:
            rows = cursor.execute("SELECT path, reason FROM refusal ORDER BY sequence").fetchall()
        return tuple(
            RegistrationOutcome(path=Path(path), status=RegistrationStatus.REFUSED, reason=reason, slide=None)
            for path, reason in rows
        )

    def _known(self, slide_id: SlideId) -> Slide:
        slide = self.slide_by_id(slide_id)
        if slide is None:
            raise BadSlide(slide_id, "no slide is registered under this id")
        return slide

    def _insert_place(self, entry: OpenEntry, slide: Slide) -> None:
        row: dict[str, Value] = {
            "slide_id": slide.slide_id,
            "path": self._database.stored_path(slide.path),
            "source_path": self._database.stored_path(slide.source_path),
            "stamp_bytes": slide.file_stamp[0],
            "stamp_modified_ns": slide.file_stamp[1],
        }
        entry.insert("slide_place", _INSERT_PLACE, row)

    def _query_slides(self) -> dict[SlideId, Slide]:
        with self._database.cursor() as cursor:
            cursor.execute(_SELECT_SLIDES)
            names = [column[0] for column in cursor.description or ()]
            rows = [dict(zip(names, values, strict=True)) for values in cursor.fetchall()]
        return {SlideId(row["slide_id"]): self._slide(row) for row in rows}

    def _slide(self, row: dict[str, Any]) -> Slide:
        return Slide(
            slide_id=SlideId(row["slide_id"]),
            name=row["name"],
            path=self._database.real_path(row["path"]),
            source_path=self._database.real_path(row["source_path"]),
            file_stamp=(row["stamp_bytes"], row["stamp_modified_ns"]),
            scan=_scan(row),
            provenance=_provenance(row),
            stated_mpp=_stated_mpp(row),
            is_demo=row["is_demo"],
            registered_at=from_column(row["registered_at"]),
        )


def _scan(row: dict[str, Any]) -> ScanProperties:
    return ScanProperties(
        width_px=row["width_px"],
        height_px=row["height_px"],
        bounds=Box(
            x_px=row["bounds_x_px"],
            y_px=row["bounds_y_px"],
            width_px=row["bounds_width_px"],
            height_px=row["bounds_height_px"],
        ),
        mpp=None if row["mpp_x"] is None else Mpp(x=row["mpp_x"], y=row["mpp_y"]),
        objective_power=row["objective_power"],
        vendor=row["vendor"],
        has_icc_profile=row["has_icc_profile"],
        notes=tuple(json.loads(row["notes_json"])),
    )


def _provenance(row: dict[str, Any]) -> Provenance:
    return Provenance(
        subject=row["subject"],
        site=row["site"],
        stain_batch=row["stain_batch"],
        scanner=row["scanner"],
        group=row["study_group"],
        further=tuple((name, said) for name, said in json.loads(row["further_json"])),
    )


def _stated_mpp(row: dict[str, Any]) -> StatedMpp | None:
    if row["stated_by"] is None:
        return None
    return StatedMpp(
        mpp=Mpp(x=row["stated_mpp_x"], y=row["stated_mpp_y"]),
        stated_by=row["stated_by"],
        stated_at=from_column(row["stated_at"]),
    )


def _slide_row(slide: Slide) -> dict[str, Value]:
    scan, bounds = slide.scan, slide.scan.bounds
    return {
        "slide_id": slide.slide_id,
        "name": slide.name,
        "width_px": scan.width_px,
        "height_px": scan.height_px,
        "bounds_x_px": bounds.x_px,
        "bounds_y_px": bounds.y_px,
        "bounds_width_px": bounds.width_px,
        "bounds_height_px": bounds.height_px,
        "mpp_x": scan.mpp.x if scan.mpp else None,
        "mpp_y": scan.mpp.y if scan.mpp else None,
        "objective_power": scan.objective_power,
        "vendor": scan.vendor,
        "has_icc_profile": scan.has_icc_profile,
        "notes_json": json.dumps(scan.notes),
        "is_demo": slide.is_demo,
        "registered_at": to_column(slide.registered_at),
    }


def _provenance_row(slide_id: SlideId, provenance: Provenance) -> dict[str, Value]:
    return {
        "slide_id": slide_id,
        "subject": provenance.subject,
        "site": provenance.site,
        "stain_batch": provenance.stain_batch,
        "scanner": provenance.scanner,
        "study_group": provenance.group,
        "further_json": json.dumps(provenance.further),
    }


def _mpp_row(slide_id: SlideId, stated: StatedMpp) -> dict[str, Value]:
    return {
        "slide_id": slide_id,
        "mpp_x": stated.mpp.x,
        "mpp_y": stated.mpp.y,
        "stated_by": stated.stated_by,
        "stated_at": to_column(stated.stated_at),
    }


def _refuse_unstorable(slide: Slide) -> None:
    for path in (slide.path, slide.source_path):
        if _readable(str(path)) != str(path):
            raise BadSlide(_readable(str(path)), "the file's name is no Unicode text; rename it")


def _readable(name: str) -> str:
    """Give a file name in which bytes that are no text are spelled out."""
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


_INSERT_SLIDE = """
    INSERT INTO slide (
        sequence, slide_id, name, width_px, height_px, bounds_x_px, bounds_y_px, bounds_width_px, bounds_height_px,
        mpp_x, mpp_y, objective_power, vendor, has_icc_profile, notes_json, is_demo, registered_at
    ) VALUES (
        $sequence, $slide_id, $name, $width_px, $height_px, $bounds_x_px, $bounds_y_px, $bounds_width_px,
        $bounds_height_px, $mpp_x, $mpp_y, $objective_power, $vendor, $has_icc_profile, $notes_json, $is_demo,
        $registered_at
    )
"""
_INSERT_PLACE = """
    INSERT INTO slide_place (sequence, slide_id, path, source_path, stamp_bytes, stamp_modified_ns)
    VALUES ($sequence, $slide_id, $path, $source_path, $stamp_bytes, $stamp_modified_ns)
"""
_INSERT_PROVENANCE = """
    INSERT INTO slide_provenance (
        sequence, slide_id, subject, site, stain_batch, scanner, study_group, further_json
    ) VALUES ($sequence, $slide_id, $subject, $site, $stain_batch, $scanner, $study_group, $further_json)
"""
_INSERT_MPP = """
    INSERT INTO slide_mpp (sequence, slide_id, mpp_x, mpp_y, stated_by, stated_at)
    VALUES ($sequence, $slide_id, $mpp_x, $mpp_y, $stated_by, $stated_at)
"""
_INSERT_REFUSAL = """
    INSERT INTO refusal (sequence, path, reason, refused_at) VALUES ($sequence, $path, $reason, $refused_at)
"""
_SELECT_SLIDES = """
    WITH place AS (
        SELECT slide_id, path, source_path, stamp_bytes, stamp_modified_ns FROM slide_place
        QUALIFY row_number() OVER (PARTITION BY slide_id ORDER BY sequence DESC) = 1
    ), provenance AS (
        SELECT slide_id, subject, site, stain_batch, scanner, study_group, further_json FROM slide_provenance
        QUALIFY row_number() OVER (PARTITION BY slide_id ORDER BY sequence DESC) = 1
    ), stated AS (
        SELECT slide_id, mpp_x AS stated_mpp_x, mpp_y AS stated_mpp_y, stated_by, stated_at FROM slide_mpp
        QUALIFY row_number() OVER (PARTITION BY slide_id ORDER BY sequence DESC) = 1
    )
    SELECT
        slide_id, name, width_px, height_px, bounds_x_px, bounds_y_px, bounds_width_px, bounds_height_px,
        mpp_x, mpp_y, objective_power, vendor, has_icc_profile, notes_json, is_demo, registered_at,
        path, source_path, stamp_bytes, stamp_modified_ns,
        subject, site, stain_batch, scanner, study_group, further_json,
        stated_mpp_x, stated_mpp_y, stated_by, stated_at
    FROM slide
    JOIN place USING (slide_id)
    JOIN provenance USING (slide_id)
    LEFT JOIN stated USING (slide_id)
    ORDER BY slide.sequence
"""
