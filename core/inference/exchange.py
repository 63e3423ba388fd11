"""Patch predictions for other programs: WSInfer's table, and GeoJSON that QuPath opens."""

from __future__ import annotations

import csv
import os
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core import geojson
from core.domain.cautions import Caution, sentences_of
from core.domain.predictions import PatchPredictions, Run
from core.domain.quality import words_of
from core.domain.registry import RegisteredModel
from core.domain.slides import Slide
from core.domain.stages import STAGE_NAMES, STAGES

_NAMESPACE = uuid.UUID("6f1d4ad2-5d53-5a8e-9a3c-2f0b6d1f7c11")
_DECIMALS = 6
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class PatchExport:
    """One run with everything that must be printed beside it."""

    run: Run
    slide: Slide
    model: RegisteredModel
    predictions: PatchPredictions
    cautions: tuple[Caution, ...] = ()

    @property
    def indices(self) -> list[int]:
        """Give the patches that carry a prediction."""
        return [int(index) for index in np.flatnonzero(self.predictions.is_predicted)]


def write_patches(export: PatchExport, path: Path, form: str) -> None:
    """Write the predicted patches as 'csv', 'parquet' or 'geojson'; the file appears when it is whole.

    All coordinates are level-0 pixels from the top left of the whole level.
    """
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        _WRITERS[form](export, unfinished)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def patch_uuid(run_id: str, index: int) -> uuid.UUID:
    """Give a patch's id in exports: the same at every export, so that importing again updates."""
    return uuid.uuid5(_NAMESPACE, f"{run_id}/{index}")


def _table(export: PatchExport) -> dict[str, list[object]]:
    """Give WSInfer's columns, and behind them which run and model they are of, and what is wrong with either."""
    boxes = [export.predictions.grid.box(index) for index in export.indices]
    probabilities = export.predictions.probabilities[export.indices]
    table: dict[str, list[object]] = {
        "minx": [box.x_px for box in boxes],
        "miny": [box.y_px for box in boxes],
        "width": [box.width_px for box in boxes],
        "height": [box.height_px for box in boxes],
    }
    for column, name in enumerate(STAGE_NAMES):
        table[f"prob_{name}"] = [float(value) for value in probabilities[:, column]]
    table["computed"] = [_computed(export.predictions, index) for index in export.indices]
    table["run_id"] = [export.run.run_id] * len(boxes)
    table["model"] = [export.model.display_name] * len(boxes)
    table["slide_concerns"] = [words_of(export.run.concerns)] * len(boxes)
    table["cautions"] = [sentences_of(export.cautions)] * len(boxes)
    return table


def _write_csv(export: PatchExport, path: Path) -> None:
    table = _table(export)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(table)
        writer.writerows([_cell(value) for value in row] for row in zip(*table.values(), strict=True))


def _cell(value: object) -> object:
    if isinstance(value, float):
        return repr(round(value, _DECIMALS + 2))
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value


def _write_parquet(export: PatchExport, path: Path) -> None:
    metadata = {key: value.encode() for key, value in _origin(export).items()}
    table = pa.table(_table(export)).replace_schema_metadata(metadata)
    pq.write_table(table, path, compression="zstd")


def _write_geojson(export: PatchExport, path: Path) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.writelines(geojson.collection_text(_features(export)))


def _features(export: PatchExport) -> Iterator[dict[str, object]]:
    origin = _origin(export)
    predictions = export.predictions
    for index in export.indices:
        box = predictions.grid.box(index)
        left, top, right, bottom = box.x_px, box.y_px, box.x_px + box.width_px, box.y_px + box.height_px
        probabilities = predictions.probabilities[index]
        stage = STAGES[int(probabilities.argmax())]
        measurements = {f"prob_{each.value}": round(float(probabilities[each.index]), _DECIMALS) for each in STAGES}
        measurements["collagen_fraction"] = round(float(predictions.collagen_fraction[index]), _DECIMALS)
        yield geojson.feature(
            str(patch_uuid(export.run.run_id, index)),
            geojson.area([[[(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]]]),
            {
                "objectType": "tile",
                "name": f"patch {index}",
                "classification": {
                    "name": f"DEMO stage {stage.value}" if export.model.is_demo else f"Stage {stage.value}",
                    "color": geojson.rgb(stage.colour),
                },
                "measurements": measurements,
                "metadata": {**origin, "patch": str(index), "computed": _computed(predictions, index)},
            },
        )


def _computed(predictions: PatchPredictions, index: int) -> str:
    return "exactly" if predictions.is_exact[index] else "in fewer digits"


def _origin(export: PatchExport) -> dict[str, str]:
    second_pass = export.run.second_pass
    return {
        "slide": export.slide.name,
        "slide_id": export.slide.slide_id,
        "run_id": export.run.run_id,
        "model": export.model.display_name,
        "recipe_hash": export.run.recipe_hash,
        "code_version": export.run.code_version,
        "quality_version": export.run.quality_version,
        "slide_concerns": words_of(export.run.concerns),
        "cautions": sentences_of(export.cautions),
        "mode": export.run.mode.value,
        "second_pass": "" if second_pass is None else second_pass.words(export.run.n_patches),
    }


_WRITERS: dict[str, Callable[[PatchExport, Path], None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "geojson": _write_geojson,
}
FORMATS = tuple(_WRITERS)
