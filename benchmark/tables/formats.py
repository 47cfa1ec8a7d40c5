"""How values stand in a table: as they are, as a number, as a mean with its interval or with its spread over seeds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

if TYPE_CHECKING:  # whoever only prints a list does not wait for numpy
    from benchmark.scoring.statistics import Interval, Spread


class Format(Protocol):
    """How a column's value is stored in a CSV and shown to people."""

    @property
    def suffixes(self) -> tuple[str, ...]:
        """What is added to the column's name, for each part of the value that a CSV stores."""

    def parts(self, value: Any) -> tuple[Any, ...]:
        """The parts of a value, in the order of the suffixes; None where there is none."""

    def stored(self, part: Any) -> str:
        """A part as a CSV has it; '' for None."""

    def text(self, value: Any) -> str:
        """A value as people see it; '' for None."""


@dataclass(frozen=True)
class AsIs:
    """Words, and numbers with all of their digits."""

    suffixes: ClassVar[tuple[str, ...]] = ("",)

    def parts(self, value: Any) -> tuple[Any, ...]:
        """The value itself."""
        return (value,)

    def stored(self, part: Any) -> str:
        """The value as text."""
        return "" if part is None else str(part)

    def text(self, value: Any) -> str:
        """The value as text."""
        return self.stored(value)


AS_IS = AsIs()


@dataclass(frozen=True)
class Number:
    """One number.

    Attributes:
        show, store: format specifications, such as ``.2f`` or ``,``; '' = all digits. `store` is for floats: whole
            numbers are stored as they are.
        per: people see the value divided by this. show_zero: whether people see a zero at all.
    """

    show: str = ""
    store: str = ""
    per: float = 1
    show_zero: bool = True

    suffixes: ClassVar[tuple[str, ...]] = ("",)

    def parts(self, value: float | None) -> tuple[float | None]:
        """The number itself."""
        return (_known(value),)

    def stored(self, part: float | None) -> str:
        """The number by `store`."""
        return _stored(part, self.store)

    def text(self, value: float | None) -> str:
        """The number by `show`."""
        if _known(value) is None or (value == 0 and not self.show_zero):
            return ""
        return f"{value if self.per == 1 else value / self.per:{self.show}}"  # type: ignore[operator]


@dataclass(frozen=True)
class WithInterval:
    """A mean with its interval (an Interval): ``37.20 [36.90, 37.51]``; the mean alone where there is no interval.

    Attributes:
        show, store: format specifications of each number.
    """

    show: str
    store: str

    suffixes: ClassVar[tuple[str, ...]] = ("", "_low", "_high")

    def parts(self, value: Interval | None) -> tuple[float | None, ...]:
        """Mean, lower and upper end."""
        return (None, None, None) if value is None else (_known(value.mean), _known(value.low), _known(value.high))

    def stored(self, part: float | None) -> str:
        """One of the three by `store`."""
        return _stored(part, self.store)

    def text(self, value: Interval | None) -> str:
        """The mean, and the interval in brackets."""
        return " ".join(filter(None, (self.mean_text(value), self.ends_text(value))))

    def mean_text(self, value: Interval | None) -> str:
        """The mean alone."""
        mean = self.parts(value)[0]
        return "" if mean is None else f"{mean:{self.show}}"

    def ends_text(self, value: Interval | None) -> str:
        """The interval alone; '' where there is none."""
        mean, low, high = self.parts(value)
        return "" if None in (mean, low, high) else f"[{low:{self.show}}, {high:{self.show}}]"


@dataclass(frozen=True)
class WithSpread:
    """A mean over seeds with its sample standard deviation (a Spread): ``36.27 ± 0.01``.

    Attributes:
        show, store: format specifications of each number.
    """

    show: str
    store: str

    suffixes: ClassVar[tuple[str, ...]] = ("", "_sd")

    def parts(self, value: Spread | None) -> tuple[float | None, ...]:
        """Mean and standard deviation."""
        return (None, None) if value is None else (value.mean, value.deviation)

    def stored(self, part: float | None) -> str:
        """One of the two by `store`."""
        return _stored(part, self.store)

    def text(self, value: Spread | None) -> str:
        """Both, or the mean of a single seed."""
        if value is None:
            return ""
        return f"{value.mean:{self.show}}" + ("" if value.deviation is None else f" ± {value.deviation:{self.show}}")


def _known(value: float | None) -> float | None:
    """Without NaN, which is a mean of what has none (an infinity on either side): an empty cell."""
    return None if value is None or math.isnan(value) else value


def _stored(value: float | None, spec: str) -> str:
    if value is None:
        return ""
    return format(value, spec) if isinstance(value, float) and spec else str(value)
