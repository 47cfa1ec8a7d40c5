"""The version, in a module of its own: rooms can name it without importing the front of the package."""

__version__ = "0.1.0"
