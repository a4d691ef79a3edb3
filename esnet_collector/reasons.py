"""Why something failed: libraries wrap the cause in errors that do not say it."""


def explain(error: BaseException) -> str:
    """Return the words of the innermost error."""
    # pika keeps the inner error as ``exception``, urllib3 as ``reason``.
    for inner in (
        getattr(error, "exception", None),
        getattr(error, "reason", None),
        *reversed(error.args),
    ):
        if isinstance(inner, BaseException):
            return explain(inner)
    return str(error) or type(error).__name__
