"""Training batches: patches cut from a memory-mapped pool, a pure function of (seed, step).

`Supply` describes a stream of batches, `Store` is the cache of its images on disk, `Order` says which patch comes
when, `Pool` cuts them on the device.
"""

from datasets.pool.feed import Pool
from datasets.pool.order import Order, grid_positions, share
from datasets.pool.store import Store
from datasets.pool.supply import AUGMENTS, Image, Supply, open_store, readable

__all__ = ["AUGMENTS", "Image", "Order", "Pool", "Store", "Supply", "grid_positions", "open_store", "readable", "share"]
