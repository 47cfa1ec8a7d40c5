"""R2R (Recorrupted-to-Recorrupted), CVPR 2021: see README.md in this folder."""
