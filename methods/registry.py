"""The methods by name: built-in ones, and plug-ins of the entry-point group ``benchmark.methods``."""

from __future__ import annotations

from datasets.ops.names import Registry

_BUILTIN = {
    "r2r": "methods.r2r.adapter:R2R",
    "scpgan": "methods.scpgan.adapter:SCPGAN",
    "dgunet": "methods.dgunet.adapter:DGUNet",
    "mssr": "methods.mssr.adapter:MSSR",
    "lir": "methods.lir.adapter:LIR",
}

METHODS = Registry("method", _BUILTIN, "benchmark.methods")
