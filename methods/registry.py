"""The methods by name: built-in ones, and plug-ins of the entry-point group ``benchmark.methods``."""

from __future__ import annotations

import importlib
import importlib.util

from datasets.core.registry import Registry
from methods.facts import Description

_BUILTIN = {
    "r2r": "methods.r2r.adapter:R2R",
    "scpgan": "methods.scpgan.adapter:SCPGAN",
    "dgunet": "methods.dgunet.adapter:DGUNet",
    "mssr": "methods.mssr.adapter:MSSR",
    "lir": "methods.lir.adapter:LIR",
}


class Methods(Registry):
    """The registry of methods, which also knows the descriptions of the built-in ones."""

    def description(self, name: str) -> Description | None:
        """The ``DESCRIPTION`` in ``description.py`` of a built-in method's folder, found without importing torch.

        None for a plug-in, for a name that was added in this process, and for an unknown name: ask `get` for the class.
        """
        if name in self._added or name not in self._builtin:
            return None
        module = self._builtin[name].partition(":")[0].rpartition(".")[0] + ".description"
        if importlib.util.find_spec(module) is None:
            return None
        found: Description = importlib.import_module(module).DESCRIPTION
        return found


METHODS = Methods("method", _BUILTIN, "benchmark.methods")
