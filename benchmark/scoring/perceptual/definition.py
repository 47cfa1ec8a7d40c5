"""The named perceptual conventions: every choice between two images and their distance, and the files that it needs."""

from __future__ import annotations

from dataclasses import dataclass

from datasets.core.errors import UserError
from datasets.core.registry import unknown


@dataclass(frozen=True)
class Perceptual:
    """How a restored image (and its clean image) becomes one figure; lower is better for all of them.

    Every one is taken of the image clipped to [0, 1] and rounded to 8 bits, as the papers' scripts read it from PNG
    files, without resizing, in single precision on the CPU.

    Attributes:
        name: as used on the command line and in records. title: heading of a column. used_by: who prints it.
        about: the quantity, its version and what it is computed from.
        files: names of its files (methods.features.published), in the order that its reader takes them.
        channels: of the images that it is defined on. side: the shortest that it takes, in pixels.
        reference: whether it needs the clean image. border: pixels cut from each side.
        digits: after the point, for people.
    """

    name: str
    title: str
    about: str
    used_by: str
    files: tuple[str, ...]
    channels: tuple[int, ...] = (3,)
    side: int = 16
    reference: bool = True
    border: int = 0
    digits: int = 4

    @property
    def definition(self) -> str:
        """All of it in one line, with the hashes that its files have to have."""
        from methods.features.published import FILES

        files = "; ".join(
            f"{name} {' or '.join(prefix[:8] for prefix in dict.fromkeys(FILES[name].hashes.values()))}"
            for name in self.files
        )
        range_ = "RGB" if self.channels == (3,) else "RGB or grey"
        return (
            f"{self.about}; {range_} clipped and rounded to 8 bits, border {self.border}, not resized; files: {files}"
        )


PERCEPTUAL: dict[str, Perceptual] = {
    each.name: each
    for each in (
        Perceptual(
            "lpips-alex",
            "LPIPS alex",
            "LPIPS 0.1 (Zhang et al., CVPR 2018) on AlexNet, range [-1, 1]",
            "most papers that print LPIPS without a backbone's name; MSSR",
            ("alexnet", "lpips-alex"),
            side=31,
        ),
        Perceptual(
            "lpips-vgg",
            "LPIPS vgg",
            "LPIPS 0.1 (Zhang et al., CVPR 2018) on VGG-16, range [-1, 1]",
            "papers that train with LPIPS on AlexNet, or compare with such",
            ("vgg16", "lpips-vgg"),
        ),
        Perceptual(
            "dists",
            "DISTS",
            "DISTS (Ding et al., TPAMI 2020) on VGG-16 with L2 pooling, range [0, 1]",
            "super-resolution and generative restoration",
            ("vgg16", "dists"),
        ),
        Perceptual(
            "niqe",
            "NIQE",
            "NIQE (Mittal et al., SPL 2013), blocks of 96 pixels, MATLAB's luma rounded, range [0, 255], without truth",
            "restoration of photographs without ground truth; BasicSR's",
            ("niqe",),
            channels=(1, 3),
            side=96,
            reference=False,
        ),
    )
}


def column(name: str) -> str:
    """The name of a convention's column in scores.csv."""
    return f"perceptual[{name}]"


def perceptual(name: str) -> Perceptual:
    """The perceptual convention of that name. Raises UserError for an unknown one."""
    if name not in PERCEPTUAL:
        raise unknown("perceptual convention", name, PERCEPTUAL)
    return PERCEPTUAL[name]


def usable(name: str, channels: int) -> str:
    """Why a perceptual convention has no column here, as a sentence; '' where it has one.

    Its files are looked for and their hashes checked; nothing is downloaded.
    """
    from methods.features.files import absent, expect_published, find

    chosen = perceptual(name)
    if channels not in chosen.channels:
        return f"{name} is defined on RGB, and these images have {channels} channel(s)."
    for file in chosen.files:
        path = find(file)
        if path is None:
            return absent(file)
        try:
            expect_published(file, path)
        except UserError as error:
            return str(error)
    return ""
