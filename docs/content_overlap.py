"""Find pictures that show a photograph of BSDS500's train or test, whatever was cut, shrunk or made grey of it.

    python docs/content_overlap.py --photographs BSDS500/data/images set12 path/to/set12 rain100h path/to/rain100h/clean

For each dataset and folder of its clean pictures the matches are printed as the lines of
datasets/data/shared_pictures.csv: SIFT features (Lowe 2004) are compared, RANSAC finds the similarity that takes the
picture to the photograph, and the pixels must then agree. No picture is recognised that was mirrored.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from datasets.bsds500 import photographs
from datasets.listing import pictures
from datasets.ops.images import read_image

FEATURES, CLEAR, ENOUGH, TOLERANCE, ALIKE = 400, 0.8, 6, 3.0, 0.85


@dataclass(frozen=True)
class Picture:
    """Grey pixels (H, W) uint8, places of features (n, 2) and their descriptors (n, 128)."""

    grey: np.ndarray
    places: np.ndarray
    descriptors: np.ndarray

    @classmethod
    def read(cls, path: Path) -> Picture:
        """With its strongest features. Small pictures are enlarged, which finds more."""
        grey = cv2.cvtColor(read_image(path, 3), cv2.COLOR_RGB2GRAY)
        if max(grey.shape) < 300:
            grey = cv2.resize(grey, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        places, descriptors = cv2.SIFT_create(FEATURES).detectAndCompute(grey, None)
        if descriptors is None:
            descriptors = np.zeros((0, 128), np.float32)
        return cls(grey, np.array([p.pt for p in places], np.float32).reshape(-1, 2), descriptors)


def main(argv: list[str] | None = None) -> int:
    """Print the table; see the module's text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, required=True, metavar="DIR", help="BSDS500, as for prepare")
    parser.add_argument("sets", nargs="+", metavar="DATASET FOLDER")
    args = parser.parse_args(argv)
    found = photographs(args.photographs)
    paths = [(split, path) for split in ("train", "test") for path in found[split]]
    known = [Picture.read(path) for _, path in paths]
    table = csv.writer(sys.stdout, lineterminator="\n")
    table.writerow(("dataset", "image", "photograph", "split"))
    for dataset, folder in zip(args.sets[::2], args.sets[1::2], strict=True):
        for path in pictures(Path(folder)):
            match = best(Picture.read(path), known)
            if match is not None:
                table.writerow((dataset, path.stem, paths[match][1].stem, paths[match][0]))
        print(f"{dataset}: {len(pictures(Path(folder)))} pictures looked at", file=sys.stderr, flush=True)
    return 0


def best(own: Picture, known: list[Picture]) -> int | None:
    """The photograph that a picture shows a part of, None where it is none of them."""
    if len(own.places) < ENOUGH:
        return None
    owners = np.repeat(np.arange(len(known)), [len(one.places) for one in known])
    places, descriptors = (np.concatenate([getattr(one, key) for one in known]) for key in ("places", "descriptors"))
    distance = (descriptors**2).sum(1) - 2 * own.descriptors @ descriptors.T + (own.descriptors**2).sum(1)[:, None]
    nearest = distance.argmin(1)
    least = distance[np.arange(len(nearest)), nearest]
    distance[owners[nearest][:, None] == owners[None]] = np.inf  # it competes with the best of another photograph
    clear = least < CLEAR**2 * distance.min(1)
    for photograph, votes in Counter(owners[nearest[clear]].tolist()).most_common(3):
        chosen = clear & (owners[nearest] == photograph)
        if votes >= ENOUGH and agreement(own, known[photograph], own.places[chosen], places[nearest[chosen]]) > ALIKE:
            return int(photograph)
    return None


def agreement(own: Picture, other: Picture, here: np.ndarray, there: np.ndarray) -> float:
    """Correlation of the pixels where the photograph, laid over the picture, covers it; 0 where it covers little."""
    matrix, _ = cv2.estimateAffinePartial2D(there, here, method=cv2.RANSAC, ransacReprojThreshold=TOLERANCE)
    if matrix is None:
        return 0.0
    size = own.grey.shape[::-1]
    covered = cv2.warpAffine(np.ones_like(other.grey), matrix, size) > 0
    if covered.mean() < 0.3:
        return 0.0
    laid = cv2.warpAffine(other.grey, matrix, size)
    return float(np.corrcoef(laid[covered], own.grey[covered])[0, 1])


if __name__ == "__main__":
    raise SystemExit(main())
