from benchmarks.rsync_exporter.pages import read

PAGE = """\
# TYPE bytes_total counter
bytes_total{operation="sent",prog="rsyncd.mtail"} 5
bytes_total{operation="sent",prog="other"} 2
bytes_total{operation="received",prog="rsyncd.mtail"} 3
"""


def test_samples_are_summed_by_labels():
    page = read(PAGE)
    sums = {("sent",): 7, ("received",): 3}
    assert page.by("bytes_total", "operation") == sums
    assert page.total("bytes_total") == 10


def test_what_is_not_there_is_none_and_not_zero():
    assert read(PAGE).total("connections_total") is None
