"""Words of tables, records and pages in a sentence or two each: what `explain WORD` prints."""

from __future__ import annotations

from collections.abc import Mapping

from benchmark.records import cell

STATUSES: Mapping[str, str] = {
    "done": "The cell ran to its end: its figures, scores of each image and costs are recorded.",
    "failed": "The cell could have run and did not: its reason says why. The row goes once the same row has run.",
    "skipped": "The cell cannot run, whatever is done: the method does not restore such images.",
}

REASONS: Mapping[str, str] = {
    cell.UNSUITABLE: "By their facts method and dataset do not fit: another task, other channels, another scale.",
    cell.IMPOSSIBLE: "The method cannot take an image of the set, such as one that is too small for it.",
    cell.NO_WEIGHTS: "No weights of the method suit the dataset; the reason holds the `train` line that makes them.",
    cell.NOT_TRAINED: "The training that was to make the weights failed; its reason is the cell's.",
    cell.BUSY: "Another process is working on the same cell; when it is done, the same command finds its record.",
    cell.MEMORY: "The device's memory was not enough: give --tile 256, or another --device.",
    cell.WRONG: "Something that a person can put right; the sentence says what.",
    cell.CRASHED: "An error that nobody foresaw; its traceback lies in the cell's folder, as traceback.txt.",
    cell.TIMEOUT: "The job showed no progress for as long as --timeout allows, and was ended.",
    cell.DIED: "The process that ran the cell was ended from outside, mostly for want of memory.",
}

# Why our figure may not be compared with the paper's. The key is how the reason begins in a table.
CAVEATS: Mapping[str, str] = {
    "not the paper's": (
        "The row is not what the paper measured. Network: the recipe has another, mostly a smaller one. Training data: "
        "the weights never saw what the paper trained on. Training: fewer steps, other losses, patches or noise. "
        "Restoring: other settings at test time. The remark below the table names the settings."
    ),
    "partial": "Images of the set are missing, such as 65 of 1280 or by --limit; then no difference is shown.",
    "convention unknown": "The paper does not say how its figure was computed, so no difference is shown.",
    "other convention": "The paper's figure was computed under the convention named, and ours under another.",
    "PSNR only": "The paper's PSNR and SSIM have different conventions; only PSNR agrees with the row's.",
    "ensemble": "One of the two figures is a mean over 8 flips and rotations; give or leave out --self-ensemble.",
    "second source": "The figure was read in another paper, which quotes it.",
    "no published figure": "No paper prints a figure for this method on this split under any convention.",
}

WORDS: Mapping[str, str] = {
    "comparable": (
        "Whether our figure may be compared with the paper's: yes, or why not, the strongest reason first. Explain a "
        "row by its cell id (the column record): explain dgunet-demo-0123456789ab."
    ),
    "interval": (
        "The 95 % interval of a mean, in brackets. Images of one scene are one draw, so it is over scenes: bootstrap "
        "from 10 scenes on, Student's t for 5 to 9, none below 5."
    ),
    "minus best": (
        "Paired difference in PSNR to the best row on the same images. An interval that holds 0 is no difference."
    ),
    "difference": "Our figure minus the paper's; empty where the conventions differ or images are missing.",
    "published": "The paper's figure, from results/published.csv, which names where it stands.",
    "convention": "How PSNR and SSIM are computed: clamping, rounding, plane, window. See: list conventions.",
    "cell": "One method on one split under one set of settings: the unit that is run, recorded and resumed.",
    "recipe": "Named settings of a method: its network, training and restoring. See: list recipes.",
    "tier": "What a recipe costs: paper (as published), budget (a GPU day), cpu (an hour), tiny (a minute).",
    "card": "The facts of a weights file, beside it: what it was trained on, how long, under which licence.",
    "baseline": "A row that every method has to clear: input, blur, nlm, which need no weights.",
    "input": "The degraded image itself, unrestored.",
    "blur": "The best Gaussian blur, its width chosen on the test images: below it, nothing was learnt.",
    "nlm": "Non-local means of OpenCV.",
    "protocol": "A comparison written down: trainings, seeds, budget and tests. See: list protocols, and reproduce.",
}


def explained(word: str) -> str:
    """What a word means; '' where this page does not have it. Case and hyphens do not matter."""
    for table in (STATUSES, REASONS, WORDS, CAVEATS):
        for key, text in table.items():
            if _same(key) == _same(word):
                return text
    return next((text for key, text in CAVEATS.items() if _same(word).startswith(_same(key))), "")


def words() -> list[str]:
    """Every word that `explained` knows."""
    return [word for table in (STATUSES, REASONS, CAVEATS, WORDS) for word in table]


def _same(word: str) -> str:
    return " ".join(word.lower().replace("-", " ").split())
