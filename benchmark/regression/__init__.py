"""`check`: shipped weights on small images against results/baseline.csv; red when a change moves a figure.

`images` makes the images. `measuring` runs the rows on them as `run` would. `variations` are the harmless changes of
surroundings that tolerances are derived from. `baseline` is the file, `checking` compares, `renewing` rewrites it.
"""
