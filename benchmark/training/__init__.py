"""Training: one readable loop over a method's stages, exact resume, logs, and the weights at the end."""

from benchmark.training.data import TrainingData
from benchmark.training.estimate import Estimate, estimate
from benchmark.training.named import train_named
from benchmark.training.plan import Plan
from benchmark.training.run import train
from benchmark.training.settings import TrainSettings

__all__ = ["Estimate", "Plan", "TrainSettings", "TrainingData", "estimate", "train", "train_named"]
