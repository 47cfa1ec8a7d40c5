"""Training: one readable loop over a method's stages, exact resume, logs, and the weights at the end."""

from benchmark.training.data import TrainingData
from benchmark.training.estimate import Estimate, estimate
from benchmark.training.identity import TrainingIdentity, trained_here
from benchmark.training.request import TrainingRequest
from benchmark.training.settings import TrainSettings
from benchmark.training.trainer import train

__all__ = [
    "Estimate",
    "TrainSettings",
    "TrainingData",
    "TrainingIdentity",
    "TrainingRequest",
    "estimate",
    "train",
    "trained_here",
]
