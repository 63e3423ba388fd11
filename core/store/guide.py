"""The annotation guide's versions and its pinned examples."""

from __future__ import annotations

import json
from contextlib import AbstractContextManager
from datetime import datetime

from core.domain.geometry import Box
from core.domain.guide import GuideVersion, Pin, PinId, StageWording
from core.domain.people import ReaderId
from core.domain.slides import SlideId
from core.domain.stages import Stage
from core.store import audit
from core.store.audit import Deed, Value
from core.store.connection import Database, from_column, to_column
from core.store.kept import Kept


class GuideStore:
    """What the guide says and has said."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._versions = Kept(database, self._query_versions)
        self._pins = Kept(database, self._query_pins)

    def now(self) -> datetime:
        """Give the instant to be stored."""
        return self._database.now()

    def exclusively(self) -> AbstractContextManager[None]:
        """Keep other writers out while a version is composed from what stands."""
        return self._database.exclusively()

    def add_version(self, version: GuideVersion) -> None:
        """Store a version of the guide."""
        content = {
            "preface": version.preface,
            "stages": [
                {"stage": one.stage.value, "wording": one.wording, "look_alikes": one.look_alikes}
                for one in version.stages
            ],
            "pins": list(version.pins),
        }
        row: dict[str, Value] = {
            "number": version.number,
            "content_json": json.dumps(content, ensure_ascii=False, sort_keys=True),
            "change": version.change,
            "made_by": version.made_by,
            "made_at": to_column(version.made_at),
        }
        deed = Deed(
            actor=version.made_by, action="guide published", subject=f"version {version.number}", reason=version.change
        )
        with self._database.transaction() as cursor, audit.entry(cursor, deed, self._database.now()) as entry:
            entry.insert("guide_version", _INSERT_VERSION, row)

    def versions(self) -> tuple[GuideVersion, ...]:
        """Give every version, earliest first."""
        return self._versions.get()

    def put_pin(self, pin: Pin, event_id: str) -> None:
        """Store a pin as it is from now on; the same event again writes nothing."""
        row: dict[str, Value] = {
            "event_id": event_id,
            "pin_id": pin.pin_id,
            "slide_id": pin.slide_id,
            "x_px": pin.box.x_px,
            "y_px": pin.box.y_px,
            "width_px": pin.box.width_px,
            "height_px": pin.box.height_px,
            "stage": pin.stage.value,
            "caption": pin.caption,
            "is_withdrawn": pin.is_withdrawn,
            "pinned_by": pin.pinned_by,
            "pinned_at": to_column(pin.pinned_at),
        }
        deed = Deed(
            actor=pin.pinned_by,
            action="example withdrawn" if pin.is_withdrawn else "example pinned",
            subject=pin.pin_id,
        )
        with self._database.transaction() as cursor:
            if cursor.execute("SELECT 1 FROM guide_pin WHERE event_id = $event_id", {"event_id": event_id}).fetchone():
                return
            with audit.entry(cursor, deed, self._database.now()) as entry:
                entry.insert("guide_pin", _INSERT_PIN, row)

    def pins(self) -> tuple[Pin, ...]:
        """Give every pin as it stands, withdrawn ones too, earliest first."""
        return self._pins.get()

    def _query_versions(self) -> tuple[GuideVersion, ...]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_VERSIONS).fetchall()
        return tuple(_version(row[0], json.loads(row[1]), row[2], row[3], from_column(row[4])) for row in rows)

    def _query_pins(self) -> tuple[Pin, ...]:
        with self._database.cursor() as cursor:
            rows = cursor.execute(_SELECT_PINS).fetchall()
        return tuple(
            Pin(
                pin_id=PinId(row[0]),
                slide_id=SlideId(row[1]),
                box=Box(x_px=row[2], y_px=row[3], width_px=row[4], height_px=row[5]),
                stage=Stage(row[6]),
                caption=row[7],
                is_withdrawn=row[8],
                pinned_by=ReaderId(row[9]),
                pinned_at=from_column(row[10]),
            )
            for row in rows
        )


def _version(
    number: int, content: dict[str, list[dict[str, str]]], change: str, made_by: str, made_at: datetime
) -> GuideVersion:
    return GuideVersion(
        number=number,
        preface=str(content["preface"]),
        stages=tuple(
            StageWording(stage=Stage(one["stage"]), wording=one["wording"], look_alikes=one["look_alikes"])
            for one in content["stages"]
        ),
        pins=tuple(PinId(str(one)) for one in content["pins"]),
        change=change,
        made_by=ReaderId(made_by),
        made_at=made_at,
    )


_INSERT_VERSION = """
    INSERT INTO guide_version (sequence, number, content_json, change, made_by, made_at)
    VALUES ($sequence, $number, $content_json, $change, $made_by, $made_at)
"""
_SELECT_VERSIONS = "SELECT number, content_json, change, made_by, made_at FROM guide_version ORDER BY number"
_INSERT_PIN = """
    INSERT INTO guide_pin (
        sequence, event_id, pin_id, slide_id, x_px, y_px, width_px, height_px, stage, caption, is_withdrawn, pinned_by,
        pinned_at
    ) VALUES (
        $sequence, $event_id, $pin_id, $slide_id, $x_px, $y_px, $width_px, $height_px, $stage, $caption,
        $is_withdrawn, $pinned_by, $pinned_at
    )
"""
_SELECT_PINS = """
    SELECT pin_id, slide_id, x_px, y_px, width_px, height_px, stage, caption, is_withdrawn, pinned_by, pinned_at
    FROM guide_pin
    QUALIFY row_number() OVER (PARTITION BY pin_id ORDER BY sequence DESC) = 1
    ORDER BY sequence
"""
