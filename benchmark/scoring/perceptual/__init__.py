"""Perceptual distances: named conventions beside those of PSNR and SSIM, lower is better. Scored on request only."""
