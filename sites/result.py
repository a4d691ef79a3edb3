"""The message that carries one check's result from site_checker to db_writer."""

import hashlib
import json
from enum import StrEnum
from functools import lru_cache
from typing import Annotated
from uuid import UUID, uuid5

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    computed_field,
)

# Event ids are named inside this UUID, so they never meet anyone else's.
_EVENTS = UUID("0d9f6dbe-6f0c-5d2c-9a43-5f6f2f6f9f52")

MAX_URL_CHARACTERS = 4096
MAX_ERROR_CHARACTERS = 500


class BadMessage(ValueError):  # noqa: N818 - reads as what happened
    """Bytes that are no result; the text says why."""


class Reason(StrEnum):
    """Why a check ended as it did; all but ``OK`` mean that the site failed it."""

    OK = "ok"
    UNEXPECTED_CODE = "unexpected_code"
    NO_MATCH = "no_match"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    CONNECTION_LOST = "connection_lost"
    BAD_RESPONSE = "bad_response"
    BODY_TOO_LARGE = "body_too_large"


def _without_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must not contain the NUL character")
    return text


# PostgreSQL stores every character but NUL.
Text = Annotated[str, AfterValidator(_without_nul)]


class Result(BaseModel):
    """One check of one page, done once.

    url, expected_code, regexp: the check's definition, and so its identity.
    scheduled_at: when the check was due; created: when this result was made.
    reason: the verdict; error: its details for people, empty on success.
    response_code, response_length (bytes of the body): None without an answer.
    response_time: seconds from the first name look-up to the last byte or the failure.
    """

    model_config = ConfigDict(frozen=True, allow_inf_nan=False)

    url: Text = Field(max_length=MAX_URL_CHARACTERS)
    expected_code: int = Field(ge=100, le=999)
    regexp: Text
    scheduled_at: AwareDatetime
    created: AwareDatetime
    reason: Reason
    error: Text = Field(default="", max_length=MAX_ERROR_CHARACTERS)
    response_code: int | None = Field(default=None, ge=100, le=999)
    response_length: int | None = Field(default=None, ge=0, lt=2**31)
    response_time: float = Field(ge=0, lt=10_000)

    # mypy knows no decorated properties: https://github.com/python/mypy/issues/1362
    @computed_field  # type: ignore[prop-decorator]
    @property
    def success(self) -> bool:
        """Whether the site passed the check."""
        return self.reason is Reason.OK

    @computed_field  # type: ignore[prop-decorator]
    @property
    def event_id(self) -> UUID:
        """The same for every run of one check for one due time, whoever ran it."""
        return uuid5(_EVENTS, f"{self.check_key} {self.scheduled_at.timestamp():.3f}")

    @property
    def check_key(self) -> str:
        """The identity of the check that was run."""
        return check_key(self.url, self.expected_code, self.regexp)


@lru_cache(maxsize=16_384)
def check_key(url: str, expected_code: int, regexp: str) -> str:
    """Return a check's identity: 32 hexadecimal digits, another for each definition."""
    definition = json.dumps([url, expected_code, regexp])
    return hashlib.sha256(definition.encode("ascii")).hexdigest()[:32]


def encode(result: Result) -> bytes:
    """Return the message's JSON; times are ISO 8601 with their zone."""
    return result.model_dump_json().encode()


def decode(message: bytes) -> Result:
    """Return the result in a message; keys it does not know are left to newer readers.

    ``success`` and ``event_id`` always follow from the other fields, so a message that
    contradicts itself is read by its reason and its due time.
    Raises BadMessage, naming every field that is wrong.
    """
    try:
        return Result.model_validate_json(message)
    except ValidationError as error:
        problems = (
            f"{'.'.join(map(str, problem['loc'])) or 'message'}: {problem['msg']}"
            for problem in error.errors(include_url=False, include_input=False)
        )
        raise BadMessage("; ".join(problems)) from error
