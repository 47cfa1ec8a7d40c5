"""SCPGabNet (ICCV 2023) and RSCP2GAN (TPAMI 2025): see README.md in this folder."""
