"""The value that names a set, and the texts that earlier versions had in its place."""

from __future__ import annotations

import pytest

import datasets
from datasets.core.dataset_ref import DatasetRef, named
from datasets.core.earlier_refs import refs_of
from datasets.options import spelled


@pytest.mark.parametrize(
    ("text", "refs"),
    [
        ("", ()),
        ("demo", (DatasetRef("demo"),)),
        ("demo-train", (DatasetRef("demo", {}, "train"),)),
        ("demo-sr-train", (DatasetRef("demo-sr", {}, "train"),)),
        ("demo[sigma=50]-train", (DatasetRef("demo", {"sigma": 50}, "train"),)),
        ("polyu-scenes-train", (DatasetRef("polyu", {}, "scenes-train"),)),
        ("kodak24-500", (DatasetRef("kodak24-500"),)),
        ("folder[degraded=a+b,scene=_]-mine", (DatasetRef("folder", {"degraded": "a+b", "scene": "_"}, "mine"),)),
        ("sidd+polyu-original", (DatasetRef("sidd"), DatasetRef("polyu", {}, "original"))),
    ],
)
def test_earlier_texts_are_read(text, refs):
    assert refs_of(text) == refs
    if text != "demo":
        assert named(refs) == text


@pytest.mark.parametrize("name", datasets.names())
def test_the_text_of_every_training_split_comes_back(name):
    facts = datasets.facts(name)
    for split in facts.splits:
        ref = DatasetRef(name, {}, split)
        assert refs_of(ref.text) == (ref,), "its split is missing in datasets.core.earlier_refs"
        assert ref.spec == spelled(facts, {}) and ref.place == f"{name}:{split}"
