"""What a cell's images are scored under: conventions of PSNR and SSIM, perceptual ones, and what was left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from benchmark.records.record import Record
from benchmark.scoring.conventions import CONVENTIONS, ON_REQUEST, applicable, convention
from benchmark.scoring.perceptual.definition import usable
from benchmark.scoring.perceptual.names import split


@dataclass(frozen=True)
class Asked:
    """What to score under.

    Attributes:
        conventions: names, of PSNR and SSIM. perceptual: names. remarks: a sentence for each name that was asked for
            and does not fit the images, or whose files are absent.
    """

    conventions: tuple[str, ...] = ()
    perceptual: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    def within(self, record: Record) -> bool:
        """Whether a record has all of it; one without figures (no ground truth) has all of PSNR and SSIM."""
        plain = not record.figures or set(self.conventions) <= set(record.figures)
        return plain and set(self.perceptual) <= set(record.perceptual)

    def beside(self, record: Record) -> Asked:
        """This, after what a record has."""
        conventions = dict.fromkeys([*record.figures, *self.conventions])
        # one of the record whose files have gone since is not measured again
        kept = [name for name in record.perceptual if name in self.perceptual or not usable(name, 3)]
        perceptual = dict.fromkeys([*kept, *self.perceptual])
        return replace(self, conventions=tuple(conventions), perceptual=tuple(perceptual))

    def lacking(self, record: Record) -> Asked:
        """What a record lacks of it."""
        plain = tuple(name for name in self.conventions if name not in record.figures)
        return replace(
            self, conventions=plain, perceptual=tuple(n for n in self.perceptual if n not in record.perceptual)
        )


def chosen(names: Sequence[str], channels: int, own: str = "") -> Asked:
    """What to score images of so many channels under.

    Args:
        names: () = every convention of PSNR and SSIM that applies, those on request only where the dataset's `own` is
            one of them. Perceptual ones are scored where they are named; where nothing else is, beside all others.
    Raises:
        UserError: an unknown name.
    """
    plain, perceptual = split(names)
    # Those on request are left out elsewhere: aligning alone takes longer than all others together.
    candidates = plain or dict.fromkeys([*CONVENTIONS, *([own] if own in ON_REQUEST else [])])
    reasons = {name: applicable(convention(name), channels) for name in candidates}
    unfit = {name: usable(name, channels) for name in perceptual}
    told = [(name, reason) for name, reason in reasons.items() if reason and plain]
    remarks = [f"not scored under {name}: {reason}" for name, reason in [*told, *unfit.items()] if reason]
    return Asked(
        tuple(name for name, reason in reasons.items() if not reason),
        tuple(name for name, reason in unfit.items() if not reason),
        tuple(remarks),
    )
