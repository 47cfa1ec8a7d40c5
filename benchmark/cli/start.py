"""The start page: what a bare `python -m benchmark` shows."""

from __future__ import annotations

from benchmark.cli.parser import PROGRAM

START = f"""\
A reproduction benchmark for image restoration: methods, their papers' conventions, one table.

Start here:
  {PROGRAM} run --methods all --dataset demo              a table of every method in some minutes, no download
  {PROGRAM} restore photos/ --methods r2r                 your own pictures
  {PROGRAM} list methods                                  what there is; also datasets, conventions, weights

Then:
  {PROGRAM} prepare polyu --source ~/PolyU                a dataset of real photographs
  {PROGRAM} train --methods r2r --recipe tiny --dataset demo
  {PROGRAM} score --folder outputs/ --dataset polyu --name mine    outputs of your own program
  {PROGRAM} leaderboard --compare dgunet blur             is the difference real?
  {PROGRAM} explain comparable                            what a word in a table means

  {PROGRAM} VERB --help                                   every option, with examples
"""
