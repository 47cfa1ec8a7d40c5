"""LIR (CVPR 2020): see README.md in this folder."""
