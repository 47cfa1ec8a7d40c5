"""Training patches: the official cutter's order, purity in (seed, step), flips, ranks, frozen stores."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from datasets.core.errors import UserError
from datasets.ops.flips import flip
from datasets.pool import PatchOrder, Pool, grid_positions, open_store, share
from datasets.streams import AUGMENTS, Preparation, Stream
from tests.helpers.files_dataset import FilesDataset
from tests.helpers.material import material, needs_material

SIZES = [(20, 30), (25, 18), (40, 40), (16, 16)]


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return FilesDataset(tmp_path_factory.mktemp("set"), SIZES)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


def pool_of(dataset, cache, key=(0, "train", "pairs"), rank=0, world=1, **fields) -> Pool:
    stream = Stream(**{"source": "paired", "crop": 8, "batch": 4, **fields})
    store = open_store(stream, dataset, range(len(dataset)), cache, seed=0)
    return Pool(stream, store, key, "cpu", rank, world)


@needs_material
def test_positions_are_those_of_the_official_cutter():
    golden = np.load(material("golden/r2r/patches.npz"))
    image, win, stride = golden["image"][0], int(golden["win"]), int(golden["stride"])
    positions = grid_positions(image.shape, win, stride)
    patches = np.stack([image[y : y + win, x : x + win] for y, x in positions], axis=-1)
    assert np.array_equal(patches[None], golden["patches"])


def test_the_sidd_recipe_moves_the_last_patch_to_the_border():
    positions = grid_positions((300, 256), 128, 128, flush_last=True)
    assert positions.tolist() == [[0, 0], [0, 128], [128, 0], [128, 128], [172, 0], [172, 128]]
    rows = -(-(3000 - 128) // 128) + 1, -(-(5328 - 128) // 128) + 1
    assert len(grid_positions((3000, 5328), 128, 128, flush_last=True)) == rows[0] * rows[1]


def order_of_sizes(sizes, **fields) -> PatchOrder:
    stream = Stream("clean", 40, 128, sampling="grid", stride=10, **fields)
    return PatchOrder(stream, np.array(sizes), [""] * len(sizes), (0, "train", "train"))


def test_bsd400_gives_238400_patches_in_1863_batches():
    order = order_of_sizes([(s, s) for s in (180, 162, 144, 125)] * 400, order="shuffle-once")
    assert order.count == 238_400
    assert order.steps_per_epoch == 1863
    assert len(order.picks(1862).entry) == 64
    assert order_of_sizes([(180, 180)], drop_last=True).steps_per_epoch == 1
    first, again = order.picks(5), order.picks(5 + 1863)
    assert np.array_equal(first.entry, again.entry) and np.array_equal(first.y, again.y)
    assert order.epoch_of(1862) == 0 and order.epoch_of(1863) == 1


@needs_material
def test_bsd400_images_have_the_size_that_the_count_assumes():
    import cv2

    files = sorted(material("data/bsd400").glob("*.png"))
    assert len(files) == 400
    assert {cv2.imread(str(f), cv2.IMREAD_UNCHANGED).shape[:2] for f in files[::40]} == {(180, 180)}


def test_an_epoch_of_the_grid_has_every_patch_once(dataset, cache):
    pool = pool_of(dataset, cache, sampling="grid", stride=4, batch=7)
    seen = [p for s in range(pool.steps_per_epoch) for p in places(pool, s)]
    assert len(seen) == len(set(seen)) == pool.order.count == sum(pool.size_of(s) for s in range(pool.steps_per_epoch))
    later = [p for s in range(pool.steps_per_epoch) for p in places(pool, s + pool.steps_per_epoch)]
    assert later != seen and sorted(later) == sorted(seen)


def places(pool, step):
    picks = pool.order.picks(step)
    return list(zip(picks.entry.tolist(), picks.y.tolist(), picks.x.tolist(), strict=True))


def test_images_sampling_passes_all_images_per_epoch(dataset, cache):
    pool = pool_of(dataset, cache, sampling="images", batch=3)
    assert pool.steps_per_epoch == 2
    assert sorted(e for s in (0, 1) for e, _, _ in places(pool, s)) == [0, 1, 2, 3]


@pytest.mark.parametrize("augment", sorted(AUGMENTS))
def test_a_batch_is_the_turned_crops_of_its_picks(dataset, cache, augment):
    pool = pool_of(dataset, cache, augment=augment, batch=32)
    batch, picks = pool.batch(3), pool.order.picks(3)
    for n, (entry, y, x) in enumerate(places(pool, 3)):
        for member in ("degraded", "clean"):
            crop = dataset.read(entry, member)[y : y + 8, x : x + 8].astype(np.float32) / 255
            wanted = flip(torch.from_numpy(crop).permute(2, 0, 1), int(picks.mode[n]))
            assert torch.equal(batch[member][n], wanted)


def test_dgunet_draws_each_turn_once_and_none_twice():
    image = torch.arange(12).view(3, 4)
    turned = [flip(image, m) for m in AUGMENTS["flips9"]]
    official = [
        image,
        image.flip(0),
        image.flip(1),
        image.rot90(1),
        image.rot90(2),
        image.rot90(3),
        image.flip(0).rot90(1),
        image.flip(1).rot90(1),
        image,
    ]
    assert all(torch.equal(a, b) for a, b in zip(turned, official, strict=True))
    assert torch.equal(flip(image, AUGMENTS["flip"][1]), image.flip(1))


def test_clean_patches_are_cut_at_scale(tmp_path):
    dataset = FilesDataset(tmp_path / "set", [(12, 15), (10, 10)], scale=4)
    pool = pool_of(dataset, tmp_path, crop=6, scale=4, augment="flips8", batch=16)
    batch, picks = pool.batch(0), pool.order.picks(0)
    assert batch["clean"].shape == (16, 3, 24, 24)
    entry, y, x = places(pool, 0)[5]
    crop = dataset.read(entry, "clean")[4 * y : 4 * y + 24, 4 * x : 4 * x + 24].astype(np.float32) / 255
    assert torch.equal(batch["clean"][5], flip(torch.from_numpy(crop).permute(2, 0, 1), int(picks.mode[5])))


def test_whole_images(dataset, cache):
    pool = pool_of(dataset, cache, crop=0, batch=1, augment="flip", sampling="images")
    shapes = {tuple(pool.batch(s)["clean"].shape[2:]) for s in range(4)}
    assert shapes == set(SIZES)
    with pytest.raises(UserError, match="one size"):
        pool_of(dataset, cache, crop=0, batch=4, sampling="images").batch(0)


@settings(max_examples=25, deadline=None)
@given(step=st.integers(0, 10_000), world=st.integers(1, 5), batch=st.integers(1, 9))
def test_ranks_share_the_global_batch(dataset, cache, step, world, batch):
    fields = {"batch": batch, "augment": "flips8", "mixup": (0.6, 2)}
    whole = pool_of(dataset, cache, **fields).batch(step)["degraded"]
    if batch < world:
        assert share(batch, 0, world) == slice(0, batch)
        return
    parts = [pool_of(dataset, cache, rank=r, world=world, **fields).batch(step)["degraded"] for r in range(world)]
    assert torch.equal(torch.cat(parts), whole)


def test_mixup_mixes_members_alike_from_its_epoch_on(dataset, cache):
    plain = pool_of(dataset, cache, batch=4)
    mixed = pool_of(dataset, cache, batch=4, mixup=(0.6, 3))
    assert torch.equal(plain.batch(1)["clean"], mixed.batch(1)["clean"])
    picks, own, got = mixed.order.picks(2), plain.batch(2), mixed.batch(2)
    for member in own:
        weight = torch.from_numpy(picks.weight).view(-1, 1, 1, 1)
        assert torch.equal(got[member], weight * own[member] + (1 - weight) * own[member][picks.partner])
    assert (picks.weight >= 0).all() and (picks.weight <= 1).all() and len(set(picks.weight.tolist())) == 4


def test_the_order_depends_on_seed_stage_and_stream(dataset, cache):
    keys = [(0, "a", "x"), (1, "a", "x"), (0, "b", "x"), (0, "a", "y")]
    batches = [pool_of(dataset, cache, key=key, batch=8).batch(4)["clean"] for key in keys]
    assert all(not torch.equal(batches[0], other) for other in batches[1:])
    assert torch.equal(batches[0], pool_of(dataset, cache, key=keys[0], batch=8).batch(4)["clean"])


def test_mosaics_are_cut_at_even_places(tmp_path):
    dataset = FilesDataset(tmp_path / "set", [(20, 31)], roles=("raw",))
    stream = Stream("raw", 8, 64)
    pool = Pool(stream, open_store(stream, dataset, [0], tmp_path, seed=0), (0, "s", "r"))
    picks = pool.order.picks(0)
    assert not (picks.y % 2).any() and not (picks.x % 2).any()
    assert picks.y.max() == 12 and picks.x.max() == 22 and pool.batch(0)["raw"].shape == (64, 1, 8, 8)
    with pytest.raises(UserError, match="colour cell"):
        Stream("raw", 8, 4, augment="flip")


def noisier(arrays, info, rng):
    noisy = arrays["degraded"].astype(np.float32) / 255
    return [
        {"y": noisy + np.float32(info.meta["beta"]) * rng.standard_normal(noisy.shape, np.float32)} for _ in range(2)
    ]


def test_a_preparation_is_frozen_and_reads_no_clean_file(tmp_path):
    full, bare = FilesDataset(tmp_path / "a", SIZES), FilesDataset(tmp_path / "b", SIZES)
    for file in (tmp_path / "b").glob("*-clean.npy"):
        file.unlink()
    stream = Stream("degraded", 8, 4, preparation=Preparation("noisier", noisier))
    stores = [open_store(stream, d, range(4), tmp_path / c, seed=3) for d, c in ((full, "x"), (bare, "y"))]
    assert stores[0].folder.name == stores[1].folder.name and len(stores[0]) == 8
    assert stores[0].names == [n for n in ("im00", "im01", "im02", "im03") for _ in range(2)]
    files = [{f.name: f.read_bytes() for f in s.folder.iterdir()} for s in stores]
    assert files[0] == files[1] and set(files[0]) == {"index.json", "y.npy"}
    other = open_store(stream, full, range(4), tmp_path / "x", seed=4)
    assert other.folder != stores[0].folder
    assert not np.array_equal(other.pixels["y"], stores[0].pixels["y"])


def test_changing_a_clean_file_changes_only_stores_that_read_it(tmp_path):
    plain, changed = FilesDataset(tmp_path / "a", SIZES), FilesDataset(tmp_path / "a", SIZES)
    changed.rows[1].sha256["clean"] = "other"
    names = {}
    for source in ("degraded", "paired"):
        stream = Stream(source, 8, 4)
        names[source] = [open_store(stream, d, range(4), tmp_path / "c", seed=0).folder.name for d in (plain, changed)]
    assert names["degraded"][0] == names["degraded"][1] and names["paired"][0] != names["paired"][1]


def test_an_interrupted_preparation_goes_on(tmp_path):
    dataset, made = FilesDataset(tmp_path / "a", SIZES), []

    def make(arrays, info, rng):
        made.append(info.name)
        if info.name == "im02" and len(made) < 8 and fail:
            raise UserError("broken")
        return noisier(arrays, info, rng)

    stream, fail = Stream("degraded", 8, 4, preparation=Preparation("k", make)), True
    with pytest.raises(UserError, match="broken"):
        open_store(stream, dataset, range(4), tmp_path / "c", seed=0)
    fail, before = False, len(made)
    store = open_store(stream, dataset, range(4), tmp_path / "c", seed=0)
    assert len(made) - before < 4  # what was finished is not made again
    whole = open_store(stream, dataset, range(4), tmp_path / "d", seed=0)
    assert np.array_equal(store.pixels["y"], whole.pixels["y"])


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"source": "pared"}, "source"),
        ({"augment": "flops"}, "augmentation"),
        ({"sampling": "grid"}, "stride"),
        ({"batch": 0}, "batch"),
        ({"crop": 17}, "only 16x16"),
        ({"batch": 5, "drop_last": True, "sampling": "images"}, "no batch of 5"),
        ({"source": "raw"}, "reads 'raw'"),
        ({"crop": 0, "augment": "flips8", "batch": 1}, "not square"),
    ],
)
def test_what_cannot_be_is_refused_in_words(dataset, cache, fields, words):
    with pytest.raises(UserError, match=words):
        pool_of(dataset, cache, **fields)


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ([{"y": np.zeros((9, 9), np.float64)}], "float64"),
        ([{"y": np.full((9, 9), np.nan, np.float32)}], "not finite"),
        ([], "same members"),
        ([{"y": np.zeros((9, 9), np.uint8)}, {"y": np.zeros((9, 9, 3), np.uint8)}], "alike"),
        ([{"y": np.zeros((9, 9), np.uint8), "z": np.zeros((9, 8), np.uint8)}], "must be"),
    ],
)
def test_what_a_preparation_may_not_make(tmp_path, entries, words):
    dataset = FilesDataset(tmp_path / "a", [(20, 20)])
    stream = Stream("degraded", 8, 4, preparation=Preparation("k", lambda a, i, r: entries))
    with pytest.raises(UserError, match=words):
        Pool(stream, open_store(stream, dataset, [0], tmp_path / "c", seed=0), (0, "s", "r"))


def test_tiles_are_drawn_before_the_place_in_them():
    """SCPGabNet's files: 512x512 every 384, and a last row and column that end at the border."""
    stream = Stream("clean", 128, 4000, tile=512, stride=384)
    order = PatchOrder(stream, np.array([(1280, 1000), (300, 700)]), ["a", "b"], (0, "train", "clean"))
    first = [(y, x) for y in (0, 384, 768) for x in (0, 384, 488)]
    assert order._tiles.corner.tolist() == [*map(list, first), [0, 0], [0, 188]]
    assert order._tiles.size[-1].tolist() == [300, 512]
    picks = order.picks(0)
    assert np.mean(picks.entry == 1) == pytest.approx(2 / 11, abs=0.03)  # tiles count, not images
    inside = [picks.y[picks.entry == 0], picks.x[picks.entry == 0]]
    assert [int(places.max()) for places in inside] == [1280 - 128, 1000 - 128] and min(map(min, inside)) == 0
    # a place that two tiles share comes twice as often: rows 384 to 384 + 512 - 384 - 128 = 384 are in the first two
    assert np.mean((inside[1] >= 488) & (inside[1] <= 384 + 384)) > 1.5 * np.mean(inside[1] < 281)
    assert np.array_equal(order.picks(3).y, order.picks(3).y)


@pytest.mark.parametrize("fields", [{"stride": 0}, {"tile": 7}, {"sampling": "images"}, {"source": "raw"}])
def test_tiles_that_are_refused(fields):
    with pytest.raises(UserError, match="tiles"):
        Stream(**{"source": "clean", "crop": 8, "batch": 4, "tile": 16, "stride": 8, **fields})
