"""A reader of text format 0.0.4 that forgives nothing, written apart from our own.

It reads one character after another, as the format's description says, and takes only
what every reader of the format takes: Prometheus, promtool, Telegraf and expfmt. So
whatever it accepts is safe to serve.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}
SUFFIXES = {
    "histogram": ("_bucket", "_sum", "_count"),
    "summary": ("", "_sum", "_count"),
}
LETTERS = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_")
DIGITS = frozenset("0123456789")


class Wrong(Exception):  # noqa: N818 - says what the text is
    """The text is no valid exposition."""


@dataclass
class Block:
    """A family as it stands in the text."""

    name: str
    type: str
    help: str | None
    samples: list[tuple[str, frozenset[tuple[str, str]], float]] = field(
        default_factory=list
    )


def read(data: bytes) -> dict[str, Block]:
    """Return the families of an exposition. Raises Wrong."""
    text = _decoded(data)
    if text and not text.endswith("\n"):
        raise Wrong("no line feed at the end")
    blocks: dict[str, Block] = {}
    current: Block | None = None
    helped: tuple[str, str] | None = None
    series: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            name, _, words = line.removeprefix("# HELP ").partition(" ")
            _check_name(name)
            _check_escapes(words, "\\n")
            if helped or name in blocks:
                raise Wrong(f"a second HELP, or one out of place: {line}")
            helped = (name, words)
        elif line.startswith("# TYPE "):
            name, _, kind = line.removeprefix("# TYPE ").partition(" ")
            _check_name(name)
            if kind not in TYPES or name in blocks:
                raise Wrong(f"no type, or a second one: {line}")
            if helped and helped[0] != name:
                raise Wrong(f"HELP of one family, TYPE of another: {line}")
            current = blocks[name] = Block(name, kind, helped[1] if helped else None)
            helped = None
        else:
            if current is None or helped:
                raise Wrong(f"a sample without a type: {line}")
            sample = _sample(line)
            _check_place(current, sample, series)
            current.samples.append(sample)
    if helped:
        raise Wrong("a HELP without a TYPE")
    _check_names(blocks)
    return blocks


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Wrong("not UTF-8") from error


def _check_place(
    block: Block,
    sample: tuple[str, frozenset[tuple[str, str]], float],
    series: set[tuple[str, frozenset[tuple[str, str]]]],
) -> None:
    name, labels, _ = sample
    allowed = [block.name + suffix for suffix in SUFFIXES.get(block.type, ("",))]
    if name not in allowed:
        raise Wrong(f"{name} is no sample of {block.name}, a {block.type}")
    bearer = {"histogram": ("_bucket", "le"), "summary": ("", "quantile")}
    suffix, bound = bearer.get(block.type, ("-", ""))
    found = dict(labels)
    if name == block.name + suffix:
        if bound not in found:
            raise Wrong(f"{name} has no {bound}")
        found[bound] = repr(float(found[bound]))
    # Whoever reads it takes a label without a value for no label.
    key = (name, frozenset(pair for pair in found.items() if pair[1]))
    if key in series:
        raise Wrong(f"a second time: {name} {sorted(labels)}")
    series.add(key)


def _check_names(blocks: dict[str, Block]) -> None:
    for block in blocks.values():
        for suffix in SUFFIXES.get(block.type, ()):
            if suffix and block.name + suffix in blocks:
                raise Wrong(f"{block.name + suffix} belongs to {block.name} as well")


def _sample(line: str) -> tuple[str, frozenset[tuple[str, str]], float]:
    end = next((at for at, each in enumerate(line) if each in "{ "), len(line))
    name = line[:end]
    _check_name(name)
    labels: list[tuple[str, str]] = []
    if line[end : end + 1] == "{":
        labels, end = _labels(line, end + 1)
    if line[end : end + 1] != " ":
        raise Wrong(f"no blank before the value: {line}")
    value, *timestamp = line[end + 1 :].split(" ")
    if len(timestamp) > 1 or not all(_is_timestamp(each) for each in timestamp):
        raise Wrong(f"more than a value and a timestamp: {line}")
    if len({label for label, _ in labels}) < len(labels):
        raise Wrong(f"a label twice: {line}")
    return name, frozenset(labels), _number(value)


def _labels(line: str, at: int) -> tuple[list[tuple[str, str]], int]:
    labels = []
    while True:
        start = at
        while at < len(line) and line[at] in LETTERS | DIGITS:
            at += 1
        name = line[start:at]
        if not name or name[0] in DIGITS or name.startswith("__"):
            raise Wrong(f"no label name: {line}")
        if line[at : at + 2] != '="':
            raise Wrong(f"no label value: {line}")
        value, at = _quoted(line, at + 2)
        labels.append((name, value))
        if line[at : at + 1] == "}":
            return labels, at + 1
        if line[at : at + 1] != ",":
            raise Wrong(f"no comma between labels: {line}")
        at += 1


def _quoted(line: str, at: int) -> tuple[str, int]:
    value = ""
    while at < len(line):
        if line[at] == '"':
            return value, at + 1
        if line[at] == "\\":
            at += 1
            if line[at : at + 1] not in ("\\", '"', "n"):
                raise Wrong(f"an unknown escape: {line}")
        value += line[at]
        at += 1
    raise Wrong(f"no end of a label value: {line}")


def _check_name(name: str) -> None:
    if not name or name[0] in DIGITS or not set(name) <= LETTERS | DIGITS | {":"}:
        raise Wrong(f"no metric name: {name!r}")


def _check_escapes(text: str, known: str) -> None:
    characters: Iterator[str] = iter(text)
    for each in characters:
        if each == "\0" or (each == "\\" and next(characters, "") not in known):
            raise Wrong(f"an unknown escape or a NUL: {text!r}")


def _is_timestamp(text: str) -> bool:
    return bool(text) and set(text) <= DIGITS and int(text[-30:]) < 2**63


def _number(text: str) -> float:
    if not text or not set(text) <= DIGITS | set("+-.eEinfatyINFATY"):
        raise Wrong(f"no number: {text!r}")
    if text.lower() in ("+nan", "-nan"):
        raise Wrong(f"no number: {text!r}")
    try:
        value = float(text)
    except ValueError as error:
        raise Wrong(f"no number: {text!r}") from error
    if value in (float("inf"), float("-inf")) and "n" not in text.lower():
        raise Wrong(f"too large: {text!r}")
    return value
