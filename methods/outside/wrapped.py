"""Any module as a method: what it is given, which of its outputs counts, in which range it works."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from torch import Tensor, nn

from datasets.core.errors import UserError
from datasets.core.registry import unknown
from methods.base import Facts, Method, Recipe, SampleInfo, StageFactory
from methods.outside.feeding import levels, padded, with_level_map

TASKS = ("denoise", "super-resolve", "deblur", "derain", "desnow", "compressive-sensing")
LEVELS = ("", "channel", "argument")
NOTE = "a module of the user's"


@dataclass(frozen=True)
class Call:
    """How a module is called: the settings ``restore.*`` of a network of one's own.

    Attributes:
        output: index or key of the tensor to score, where the module returns several; '' = it returns one.
        channels: that it takes, such as [3]. scale: restored size / degraded size.
        multiple: sides are padded to multiples of it, and cropped again. context: pixels of surroundings that an output
            pixel depends on; -1 = the whole image.
        white: what white is for the module, such as 255.
        noise_level: '' (it is told none), ``channel`` (a map as the last channel), or ``argument`` (a second argument
            of shape (N, 1, 1, 1)), in the module's own range.
        sigma: the noise level of every image on the scale of 0 to 255; 0 = each sample's own.
    """

    output: str = ""
    channels: Sequence[int] = (3,)
    scale: int = 1
    multiple: int = 1
    context: int = -1
    white: float = 1.0
    noise_level: str = ""
    sigma: float = 0.0

    def __post_init__(self) -> None:
        if self.noise_level not in LEVELS:
            raise unknown("value of restore.noise_level", self.noise_level, LEVELS[1:])
        if self.scale < 1 or self.multiple < 1 or self.white <= 0:
            raise UserError(
                "restore.scale and restore.multiple take whole numbers of 1 or more, and restore.white what white is, "
                f"such as 255; they are {self.scale}, {self.multiple} and {self.white:g}."
            )

    @classmethod
    def settings(cls) -> dict[str, Any]:
        """The table ``restore`` of a recipe with every setting at its default."""
        values = {f.name: f.default for f in fields(cls)}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    def facts(self, architecture: str = "", tasks: tuple[str, ...] = TASKS) -> Facts:
        """What the harness must know of a module that is called so; `architecture` names it."""
        return Facts(
            tasks=tasks,
            supervision="paired",
            channels=tuple(self.channels),
            scale=self.scale,
            multiple=self.multiple,
            context=None if self.context < 0 else self.context,
            needs_noise_level=bool(self.noise_level) and not self.sigma,
            note=NOTE,
            architecture=architecture,
        )


class Wrapped(Method):
    """Any module as a method: its forward takes (N, C, H, W) float32 in [0, 1] and gives the restored batch.

    Args:
        module: left as it is (eval mode and device apart). call: how it is called. facts: as for any method.
    """

    def __init__(self, recipe: Recipe, module: nn.Module, call: Call, facts: Facts | None = None) -> None:
        super().__init__(recipe)
        self.name = recipe.method  # type: ignore[misc]  # of the instance: each module has its own
        self.module, self.call, self._facts = module, call, facts or call.facts(type(module).__name__)

    @property
    def facts(self) -> Facts:
        return self._facts

    def restore(self, x: Tensor, info: Sequence[SampleInfo] | None = None) -> Tensor:
        """What the module gives: padded, in its range and with the noise level where it wants that, and back."""
        call, height, width = self.call, *x.shape[-2:]
        given: tuple[Tensor, ...] = (padded(x, call.multiple) if call.multiple > 1 else x,)
        if call.noise_level:
            level = levels(x, info, call.sigma)
            given = (with_level_map(given[0], level),) if call.noise_level == "channel" else (given[0], level)
        if call.white != 1:
            given = tuple(part * call.white for part in given)
        result = _chosen(self.name, self.module(*given), call.output)
        if not isinstance(result, Tensor):
            return result  # the harness says what came instead
        result = result / call.white if call.white != 1 else result
        return result[..., : height * call.scale, : width * call.scale] if call.multiple > 1 else result

    def roles(self) -> dict[str, nn.Module]:
        return {"restorer": self.module}

    def stages(self) -> Iterator[StageFactory]:
        return iter(())


def _chosen(name: str, result: Any, output: str) -> Any:
    """The tensor to score of what a module returned. Raises UserError where there is none of that index or key."""
    if not output:
        return result
    # a number is a place in a list; of a dictionary it may be a key as it is written
    key: int | str = int(output) if output.lstrip("-").isdecimal() and output not in _keys(result) else output
    try:
        return result[key]
    except (KeyError, IndexError, TypeError) as error:
        what = f"a {type(result).__name__}"
        if isinstance(result, Mapping):
            what = f"a dictionary with the keys {', '.join(map(str, result))}"
        elif isinstance(result, (tuple, list)):
            what += f" of {len(result)}"
        raise UserError(f"{name} returned {what}, which has no output={key!r}.") from error


def _keys(result: Any) -> Mapping[Any, Any]:
    return result if isinstance(result, Mapping) else {}
