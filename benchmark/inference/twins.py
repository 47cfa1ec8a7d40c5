"""Twins of modules: some layers replaced by others of the same function, all else shared, the module left as it is."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import TypeGuard, TypeVar

from torch import nn

M = TypeVar("M", bound=nn.Module)


def twin(module: M, children: Mapping[str, nn.Module]) -> M:
    """A twin with other children; the module itself where they are its own.

    It shares everything else, so that parameters are counted, saved and trained as before.
    """
    if all(child is module._modules[name] for name, child in children.items()):
        return module
    made = copy.copy(module)
    made._modules = {**module._modules, **children}
    return made


def in_order(module: nn.Module) -> TypeGuard[nn.Sequential]:
    """Whether a module runs its layers one after the other, each on what the one before gave, and nothing else."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def plain(module: nn.Module) -> bool:
    """Whether it only computes: in eval mode, with statistics of its own, watched by no hook."""
    hooked = module._forward_hooks or module._forward_pre_hooks
    return not module.training and not hooked and getattr(module, "running_var", module) is not None
