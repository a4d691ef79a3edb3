"""How every test runs."""

import os
from pathlib import Path

from hypothesis import settings
from hypothesis.database import DirectoryBasedExampleDatabase

# No deadline: a busy machine is not a bug. What once failed is tried first next time,
# on this machine; elsewhere the examples are the same in every run.
settings.register_profile(
    "belfry",
    deadline=None,
    derandomize="CI" in os.environ,
    database=None
    if "CI" in os.environ
    else DirectoryBasedExampleDatabase(Path(__file__).parent / ".cache/hypothesis"),
)
settings.load_profile("belfry")
