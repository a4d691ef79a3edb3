"""The end of a benchmark whose figures would be worth nothing."""


class Failed(Exception):  # noqa: N818 - reads as what happened
    """A server does not start, refuses, or does not serve what it has taken."""
