import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rsync_exporter.rsyncd.log_format import DEFAULT, LogFormat, Transfer

DEFAULT_FORMAT = LogFormat.compile(DEFAULT)

# Every escape, and text for it: what rsync writes, and for names whatever there is.
NAME = st.binary(min_size=1, max_size=40).filter(lambda name: b"\x00" not in name)
WORDS = st.sampled_from([b"mirror", b"x y", b"m 12 34", b"(b)", b"a: [c]"])
SENT = Transfer("send", 9, None)
NUMBER = st.integers(0, 2**63 - 1)
SHAPED = {
    "a": st.sampled_from([b"127.0.0.1", b"2001:db8::1", b"fe80::1%eth0"]),
    "B": st.just(b"rwxr-x--t"),
    "c": NUMBER.map(b"%d".__mod__),
    "C": st.sampled_from([b"7352407537c05d30", b" " * 32, b""]),
    "G": st.sampled_from([b"DEFAULT", b"1000"]),
    "h": st.sampled_from([b"UNKNOWN", b"a.example.org"]),
    "M": st.just(b"2026/11/22-04:08:42"),
    "p": st.integers(1, 2**22).map(b"%d".__mod__),
    "t": st.just(b"2026/11/22 04:08:42"),
    "U": st.just(b"0"),
    "m": WORDS,
    "P": WORDS,
    "u": st.sampled_from([b"", b"alice"]),
}


def read(text: bytes, message: bytes) -> Transfer | None:
    return LogFormat.compile(text).read(message)


@pytest.mark.parametrize(
    ("message", "transfer"),
    [
        (b"send H [::1] m () a b 12 7", Transfer("send", 7, None)),
        (b"recv a.b [10.0.0.1] my mod (al ice) x 0", Transfer("recv", 0, None)),
        (b"del. UNKNOWN [10.0.0.1] m (bob) d/f 0", Transfer("delete", 0, None)),
        (b"send H [::1] m () \\#012 99 \xff\n 1 5", Transfer("send", 5, None)),
    ],
)
def test_the_default_format(message: bytes, transfer: Transfer | None):
    assert DEFAULT_FORMAT.read(message) == transfer


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"send",
        b"sent 10 bytes  received 20 bytes  total size 30",
        b"send H [::1] m () a",
        b"send H [::1] m () a 7 ",
        b"send H m () a 7",
        b"receiving file list",
        b"connect from H (10.0.0.1)",
        b"deleting 7",
        b"rsync on send H [::1] m () a 7 from H (10.0.0.1)",
    ],
)
def test_another_message_is_no_transfer(message: bytes):
    assert DEFAULT_FORMAT.read(message) is None


@pytest.mark.parametrize(
    ("text", "message", "transfer"),
    [
        (
            b"%t: host %h (%a) %o %f (%l bytes). Total %b bytes.",
            b"2026/11/22 04:08:42: host UNKNOWN (::1) recv a (1 bytes) (9 bytes)."
            b" Total 77 bytes.",
            Transfer("recv", 9, 77),
        ),
        (b"%b %l %o %n", b"7 9 send x 1 2", Transfer("send", 9, 7)),
        (b"%n %l %m", b"x 12 34 9 mod", Transfer("", 9, None)),
        (b"%m %l %b %n|%o", b"mod 9 8 x 1 2|del.", Transfer("delete", 9, 8)),
        (b"%o %f %l %n %b", b"send d/x 12 3 9 x 12 3 8", Transfer("send", 9, 8)),
        (b"%o %f %l %n", b"del. a/b 0 b/", Transfer("delete", 0, None)),
        (b"%o %n %l %f", b"send x 12 3 9 d/x 12 3", SENT),
        (b"%o %f %n %l", b"send d/x 1 x 1 9", SENT),
        (b"%m %o %u %l %f %b %P", b"m recv u 9 x 1 2 8 /p", Transfer("recv", 9, 8)),
        (b"[%p] %o%f %l", b"[12] recvx 9", Transfer("recv", 9, None)),
        (b"%-8o|%12l|%-12l|%f", b"send    |           9|9           |x", SENT),
        (b"%-8o %4l %f", b"send        9 x", SENT),
        (b"%o", b"send", Transfer("send", None, None)),
        (b"100%% %o %x %f%", b"100% recv %x f%", Transfer("recv", None, None)),
        (
            b"%o \xe2\x86\x92 %f %l",
            b"send \xe2\\#206\\#222 x 9",
            SENT,
        ),
        (b"%o \xe2\x86\x92 %f %l", b"send \xe2\x86\x92 x 9", SENT),
        (b"", b"", Transfer("", None, None)),
    ],
)
def test_other_formats(text: bytes, message: bytes, transfer: Transfer | None):
    assert read(text, message) == transfer


@pytest.mark.parametrize(
    ("text", "number", "value"),
    [
        (b"%l", b"1234567", 1_234_567),
        (b"%'l", b"1,234,567", 1_234_567),
        (b"%l'", b"", None),
        (b"%'l", b"1.234.567", 1_234_567),
        (b"%'l", b"999", 999),
        (b"%''l", b"1.23M", 1_230_000),
        (b"%''l", b"4,10K", 4_100),
        (b"%''l", b"1.00E", 10**18),
        (b"%'9'l", b"    4.10K", 4_100),
        (b"%'''l", b"4.00K", 4_096),
        (b"%'''l", b"1,010", 1_010),
        (b"%'''l", b"1.18M", round(1.18 * 2**20)),
        (b"%012l", b"           4", 4),
        (b"%-12l", b"4           ", 4),
        (b"%2l", b"1234", 1234),
    ],
)
def test_how_numbers_are_written(text: bytes, number: bytes, value: int | None):
    expected = None if value is None else Transfer("recv", value, None)
    assert read(b"%o %f " + text, b"recv x " + number) == expected


@pytest.mark.parametrize(
    ("itemized", "operation"),
    [
        (b"<f+++++++++", "send"),
        (b">f.st......", "recv"),
        (b">f..t.o.u.x", "recv"),
        (b"*deleting  ", "delete"),
        (b"cd+++++++++", None),
        (b".d..t......", None),
        (b".f         ", None),
        (b"hf+++++++++", None),
        (b"cL+++++++++", None),
    ],
)
def test_what_is_itemized_moves_a_file_or_does_not(
    itemized: bytes, operation: str | None
):
    expected = operation and Transfer(operation, 3, None)
    assert read(b"%i %n%L %l", itemized + b" x -> y 3") == expected
    with_both = read(b"%o %i %n%L %l", b"recv " + itemized + b" x 3")
    assert (with_both is None) == (operation is None)


def test_a_module_that_is_known_is_no_riddle():
    line = b"send x 9 mod 10 (u)"
    assert read(b"%o %n %l %m (%u)", line) == Transfer("send", 10, None)
    log_format = LogFormat.compile(b"%o %n %l %m (%u)", b"mod 10")
    assert log_format.read(line) == SENT
    log_format = LogFormat.compile(b"%12m|%-12m|%o %l", b"mod (a)")
    assert log_format.read(b"     mod (a)|mod (a)     |send 9") == SENT
    assert log_format.read(b"     mod (b)|mod (b)     |send 9") is None


def test_deletions_where_the_format_has_no_word_for_them():
    assert read(b"%h %n %l", b"deleting x 1 2") == Transfer("delete", None, None)
    assert read(b"%n", b"deleting x") is not None
    assert read(b"%i %n", b"deleting x") is None


def test_a_line_that_a_name_has_cut_off():
    start = b"send H [::1] m () "
    cut = start + b"x" * (2047 - len(start) - 6) + b" 99999"
    assert DEFAULT_FORMAT.read(cut) == Transfer("send", None, None)
    assert DEFAULT_FORMAT.read(cut[1:]) is None
    assert DEFAULT_FORMAT.read(start + b"x 99999") == Transfer("send", 99_999, None)
    assert read(b"%f %o", cut) is None
    assert read(b"%f", b"deleting " + cut) == Transfer("delete", None, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"%f%l", "something between %f and %l"),
        (b"%o %l%n", "something between %l and %n"),
        (b"%o %l%'b", "something between %l and %'b"),
        (b"%a%h %l", "something between %a and %h"),
        (b"%f %l %n %m", "not between names"),
        (b"x" * 4097, "at most 4096 bytes"),
        (b"%9999l", "at most 4096 characters"),
    ],
)
def test_formats_that_nobody_could_read(text: bytes, expected: str):
    with pytest.raises(ValueError, match=expected.replace("%", "[%]")):
        LogFormat.compile(text)


def test_what_lines_begin_with():
    assert DEFAULT_FORMAT.begins_with_operation
    assert not DEFAULT_FORMAT.names_come_first
    assert LogFormat.compile(b"%n %l").names_come_first
    assert LogFormat.compile(b"%L%f %l").names_come_first
    assert LogFormat.compile(b"%u%L%f %l").names_come_first
    assert not LogFormat.compile(b"%-9u%f %l").names_come_first
    assert not LogFormat.compile(b"%L %f %l").names_come_first
    assert not LogFormat.compile(b"%10o %n").begins_with_operation
    assert not LogFormat.compile(b"").names_come_first
    assert not LogFormat.compile(b"%m", b"").names_come_first


@st.composite
def lines(draw: st.DrawFn) -> tuple[bytes, bytes, Transfer]:
    """Return a format, a line of it, and the transfer that it tells of."""
    operation = draw(st.sampled_from([b"send", b"recv", b"del."]))
    length, transferred = draw(NUMBER), draw(NUMBER)
    values = {letter: draw(values) for letter, values in SHAPED.items()}
    values |= {"f": draw(NAME), "L": b"", "o": operation, "i": draw(NAME)}
    values |= {"n": values["f"], "l": b"%d" % length, "b": b"%d" % transferred}
    sign = {b"send": b"<f", b"recv": b">f", b"del.": b"*deleting  "}[operation]
    values["i"] = sign.ljust(11, b"+")
    # Anything daemon-made around one place for the names, and values on either side.
    before = draw(st.permutations([*"ablothpUGMBCi"]).map(lambda s: s[: len(s) // 2]))
    after = [letter for letter in "lboatpcC" if letter not in before]
    order = [*before, "f", *draw(st.permutations(after))]
    blank = draw(st.sampled_from([b" ", b"|", b", ", b"] [", b": "]))
    text = blank.join(b"%%%b" % letter.encode() for letter in order)
    line = blank.join(values[letter] for letter in order)
    words = {b"send": "send", b"recv": "recv", b"del.": "delete"}
    told = words[operation]
    return text, line, Transfer(told, length, transferred)


@given(lines())
def test_every_format_reads_its_own_lines(line: tuple[bytes, bytes, Transfer]):
    text, message, transfer = line
    assert read(text, message) == transfer


FORMATS = [
    DEFAULT,
    b"%f %l %n %b",
    b"%n %l %m (%u) %b",
    b"%m %l %b %u %f",
    b"%i %n%L %''l %-12b",
    b"%h %a %f",
]


@given(st.sampled_from(FORMATS), st.binary(max_size=200))
def test_any_bytes_are_read_without_error(text: bytes, message: bytes):
    transfer = read(text, message)
    assert transfer is None or transfer.operation in ("send", "recv", "delete", "")


@pytest.mark.parametrize("text", FORMATS)
@pytest.mark.parametrize(
    "unit",
    [b" ", b"1", b" 1", b"1 ", b"a", b" 12 x", b"(", b" [", b",111", b"\\#012", b"\n"],
)
def test_the_time_is_linear_in_the_length(text: bytes, unit: bytes):
    log_format = LogFormat.compile(text)
    for start in (b"", b"send H [::1] m (u) ", b">f+++++++++ "):
        message = (start + unit * (65_536 // len(unit)))[:65_536]
        started = time.perf_counter()
        log_format.read(message)
        log_format.read(message[:10_000])
        log_format.read(message[:2_046])
        assert time.perf_counter() - started < 0.1
