"""The training captures of SIDD (Small and Medium packages): sRGB pairs, raw mosaics and what rendering needs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from datasets.base import Item
from datasets.core.errors import UserError
from datasets.mat import read_array, read_struct
from datasets.ops.pictures import Reader, inspect
from datasets.sidd_scenes import Load, scene_of

# SIDD_Small: NOISY_SRGB_010.PNG; SIDD_Medium: 0001_NOISY_SRGB_010.PNG; the folder names the scene instance.
_NAME = re.compile(r"(?:\d{4}_)?(NOISY|GT|METADATA)_(SRGB|RAW)_(\d{3})\.(?:PNG|MAT)", re.IGNORECASE)
# Row-major colours of the 2x2 cell, 0 = R, 1 = G, 2 = B, of the five phones.
_CFA = {"GP": (2, 1, 1, 0), "IP": (0, 1, 1, 2), "S6": (1, 0, 2, 1), "N6": (2, 1, 1, 0), "G4": (2, 1, 1, 0)}
_CFA_PATTERN, _NOISE_PROFILE = 33422, 51041
_ROLES = {"NOISY_SRGB": "degraded", "GT_SRGB": "clean", "NOISY_RAW": "raw", "GT_RAW": "raw_clean"}


def capture_items(files: Sequence[Path]) -> Iterator[Item]:
    """One item per capture: roles degraded and clean (sRGB), raw and raw_clean (float32 mosaics), as far as they exist.

    Raises:
        UserError: an sRGB image without its partner, a raw capture without metadata.
    """
    laws = _noise_laws(files)
    for (folder, frame), parts in sorted(_captures(files).items()):
        scene = scene_of(folder.name)
        _check_partners(folder, parts)
        load = {role: _loader(role, parts[key]) for key, role in _ROLES.items() if key in parts}
        meta = _raw_meta(parts["METADATA_RAW"], scene.camera, laws.get(scene.name)) if "raw" in load else {}
        yield Item(f"{scene.name}_{frame}", "train", scene.name, load, scene.camera, scene.iso, meta)


def _captures(files: Sequence[Path]) -> dict[tuple[Path, str], dict[str, Path]]:
    found: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in files:
        name = _NAME.fullmatch(path.name)
        if name and "benchmark" not in str(path.parent).lower():
            key = f"{name[1]}_{name[2]}".upper()
            found.setdefault((path.parent, name[3]), {})[key] = path
    images = {capture: parts for capture, parts in found.items() if set(parts) != {"METADATA_RAW"}}
    return _merged(images)


def _merged(found: Mapping[tuple[Path, str], dict[str, Path]]) -> dict[tuple[Path, str], dict[str, Path]]:
    """Put the sRGB and the raw package together: the same scene folder name under two roots is one capture."""
    first: dict[tuple[str, str], Path] = {}
    merged: dict[tuple[Path, str], dict[str, Path]] = {}
    for (folder, frame), parts in found.items():
        place = first.setdefault((folder.name, frame), folder)
        there = merged.setdefault((place, frame), {})
        twice = sorted(there.keys() & parts.keys())
        if twice:
            raise UserError(
                f"Expected one {twice[0]} of each capture, but found {there[twice[0]]} and {parts[twice[0]]}."
            )
        there.update(parts)
    return merged


def _check_partners(folder: Path, parts: Mapping[str, Path]) -> None:
    for one, other in (("NOISY_SRGB", "GT_SRGB"), ("GT_SRGB", "NOISY_SRGB"), ("GT_RAW", "NOISY_RAW")):
        if one in parts and other not in parts:
            raise UserError(f"Expected the partner {other} of {parts[one]} in {folder}, but it is missing.")
    if {"NOISY_SRGB", "GT_SRGB"} <= parts.keys():
        (h, w), (h2, w2) = (inspect(parts[key]).size for key in ("NOISY_SRGB", "GT_SRGB"))
        if (h, w) != (h2, w2):
            raise UserError(
                f"Expected one size, but {parts['NOISY_SRGB']} is {w}x{h} and {parts['GT_SRGB']} is {w2}x{h2}; fetch "
                "the scene again."
            )
    if "NOISY_RAW" in parts and "METADATA_RAW" not in parts:
        raise UserError(f"Expected METADATA_RAW of {parts['NOISY_RAW']} in {folder}, but it is missing.")


def _loader(role: str, path: Path) -> Load:
    return partial(_mosaic, path) if role.startswith("raw") else Reader(path)


def _mosaic(path: Path) -> np.ndarray:
    """The mosaic `x`, (H, W) float32, black level subtracted, nominally in [0, 1]."""
    mosaic = read_array(path, "x")
    if mosaic.ndim != 2 or mosaic.dtype.kind != "f":
        raise UserError(f"Expected 'x' in {path} to be a float mosaic (H, W), but it is {mosaic.dtype} {mosaic.shape}.")
    return np.ascontiguousarray(mosaic, np.float32)


def _noise_laws(files: Sequence[Path]) -> dict[str, list[float]]:
    """Scene instance -> (b1_R, b2_R, b1_G, b2_G, b1_B, b2_B) from noise_level_functions.csv, {} without it."""
    tables = [path for path in files if path.name.lower() == "noise_level_functions.csv"]
    if not tables:
        return {}
    try:
        with tables[0].open(encoding="utf-8-sig", newline="") as stream:
            return {row[0]: [float(value) for value in row[1:7]] for row in list(csv.reader(stream))[1:] if row}
    except (OSError, ValueError, csv.Error) as error:
        raise UserError(f"Expected a name and six numbers in each row of {tables[0]}, but: {error}.") from error


def _raw_meta(path: Path, camera: str, law: Sequence[float] | None) -> dict[str, Any]:
    """What rendering and recorrupting a mosaic needs, from its DNG metadata.

    The noise law is the scene's own six numbers of the side table, or else the DNG tag NoiseProfile.
    """
    fields = read_struct(path, "metadata")
    missing = [key for key in ("AsShotNeutral", "ColorMatrix2") if not np.size(fields.get(key, ()))]
    if missing:
        raise UserError(f"Expected the field {missing[0]} in the metadata of {path}, but it is not there.")
    tags = _tags(fields.get("UnknownTags"))
    cfa = _cfa(tags.get(_CFA_PATTERN), fields.get("CFAPattern2"), camera, path)
    return {
        "cfa": cfa,
        "as_shot_neutral": _floats(fields["AsShotNeutral"]),
        "color_matrix2": _floats(fields["ColorMatrix2"]),
        "beta": list(law) if law else _six(tags.get(_NOISE_PROFILE), path),
    }


def _floats(value: Any) -> list[float]:
    return [float(number) for number in np.ravel(value)]


def _tags(value: Any) -> dict[int, np.ndarray]:
    """TIFF tag -> values, of the struct array UnknownTags."""
    if not isinstance(value, np.ndarray) or not value.dtype.names:
        return {}
    return {int(np.ravel(entry["ID"])[0]): np.ravel(entry["Value"]) for entry in np.ravel(value)}


def _cfa(tag: Any, field: Any, camera: str, path: Path) -> list[int]:
    for value in (tag, field, _CFA.get(camera)):
        codes = [int(number) for number in np.ravel(() if value is None else value)]
        if sorted(codes) == [0, 1, 1, 2]:
            return codes
    raise UserError(
        f"Expected a colour filter array in {path} (tag {_CFA_PATTERN}, or a known camera), but found none."
    )


def _six(profile: Any, path: Path) -> list[float]:
    values = _floats(() if profile is None else profile)
    if len(values) not in (2, 6):
        raise UserError(
            f"Expected a noise law for {path}: its scene in noise_level_functions.csv, or 2 or 6 numbers in tag "
            f"{_NOISE_PROFILE}, but found {len(values)} numbers; put the table beside the scene folders."
        )
    return values * (6 // len(values))
