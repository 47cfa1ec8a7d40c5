"""Training batches: patches cut from a memory-mapped pool, a pure function of (seed, step).

A `Stream` (datasets.streams) describes the batches, `Store` is the cache of its images on disk, `PatchOrder` says which
patch comes when, `Pool` cuts them on the device.
"""

from datasets.pool.images import content_of, open_store
from datasets.pool.order import PatchOrder, grid_positions, share
from datasets.pool.patch_sampler import Pool
from datasets.pool.store import Store
from datasets.pool.transfer import moved, room

__all__ = ["PatchOrder", "Pool", "Store", "content_of", "grid_positions", "moved", "open_store", "room", "share"]
