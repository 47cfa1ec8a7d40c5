"""The command line called in process, as the tests of the benchmark have it."""

from tests.benchmark.conftest import studio  # noqa: F401 - a fixture
