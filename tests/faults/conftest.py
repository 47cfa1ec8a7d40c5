"""The command line of the tests of `benchmark`, here too."""

from tests.benchmark.conftest import studio as studio
