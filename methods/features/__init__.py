"""Features of networks that were trained to name pictures, and the distance of pictures that is made of them.

Plain torch, no torchvision. The networks know no files; `files` reads published ones, after a look at their hash. A
leaf: methods use it for their perceptual losses.
"""

from methods.features.availability import without_absent
from methods.features.files import absent, find, read_alexnet, read_lpips, read_lpips_heads, read_vgg19
from methods.features.lpips import LPIPS
from methods.features.networks import VGG16, VGG19, AlexNet

__all__ = [
    "LPIPS", "VGG16", "VGG19", "AlexNet", "absent", "find", "read_alexnet", "read_lpips", "read_lpips_heads",
    "read_vgg19", "without_absent",
]  # fmt: skip
