"""Why something that was sent to the proxy is not taken."""

from enum import StrEnum

EXCERPT_LENGTH = 80


class Reason(StrEnum):
    """Every reason there is: the values of the label ``reason``."""

    # What stands in a body.
    SYNTAX = "syntax"
    VALUE = "value"
    TIMESTAMP = "timestamp"
    TYPE = "type"
    TYPE_CONFLICT = "type_conflict"
    TYPE_MISMATCH = "type_mismatch"
    LABELS = "labels"
    DUPLICATE_LABEL = "duplicate_label"
    DUPLICATE_SERIES = "duplicate_series"
    RESERVED_LABEL = "reserved_label"
    RESERVED_NAME = "reserved_name"
    ENCODING = "encoding"
    NUL = "nul"
    TOO_MANY_SERIES = "too_many_series"
    # How it was pushed.
    JSON = "json"
    CAPNP = "capnp"
    FORMAT = "format"
    APPLICATION = "application"
    TOO_LARGE = "too_large"
    TOO_MANY_APPLICATIONS = "too_many_applications"
    LIFETIME = "lifetime"
    FORBIDDEN = "forbidden"
    GROUP = "group"
    PROTOBUF = "protobuf"
    CROWDED = "crowded"
    # How a polled target answered.
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    STATUS = "status"
    CONTENT_TYPE = "content_type"
    COMPRESSION = "compression"
    CUT_OFF = "cut_off"
    PROTOCOL = "protocol"
    REDIRECT = "redirect"
    TLS = "tls"


class Refused(Exception):  # noqa: N818 - reads as what happened
    """Data that is not taken: why, and where in it when that is known."""

    def __init__(self, reason: Reason, detail: str, line: int | None = None) -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail
        self.line = line
        self.excerpt = ""

    def at(self, line: int, text: bytes) -> "Refused":
        """Return the refusal with its place: a line's number, from 1, and its text."""
        self.line = line
        self.excerpt = text[:EXCERPT_LENGTH].decode("utf-8", "backslashreplace")
        return self

    def __str__(self) -> str:
        if self.line is None:
            return self.detail
        return f"line {self.line}: {self.detail}: {self.excerpt}"
