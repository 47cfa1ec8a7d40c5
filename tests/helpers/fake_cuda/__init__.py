"""A CUDA device that is none: tensors that say ``cuda:0`` and keep their values in the CPU's memory.

Whatever torch refuses to do with a CUDA tensor is refused here: operands on two devices, ``.numpy()``, a generator of
another device; so is what makes a step wait for the device, and what has no deterministic backward. Everything else is
computed, so that results can be compared with the CPU's. Kernels, streams and speed are not imitated.
"""
