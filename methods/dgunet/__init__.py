"""DGUNet and DGUNet+ (deep generalised unfolding networks), CVPR 2022: see README.md in this folder."""
