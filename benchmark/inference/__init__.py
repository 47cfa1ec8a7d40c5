"""Pixels in, pixels out: restoring images, tiles, baselines, one's own pictures, submissions."""
