"""``/apps`` as a page for browsers, made from the file apps.html beside this one.

All that applications send is text to the page, never markup; and should that ever
fail, the browser runs no script and takes no style but the page's own.
"""

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from exporter_proxy.serve.summary import Summary, duration, one_line, rfc3339, utc
from exporter_proxy.store.applications import Application, State

ROWS_AT_FIRST = 500

# Remarks up to this length are shown as they are, longer ones on demand.
_SHORT = 40

_PAGE = Path(__file__).with_name("apps.html").read_text(encoding="utf-8")
_FIELD = re.compile(r"\{\{(\w+)\}\}")


def _part(tag: str) -> str:
    """Return what stands between a tag, the first of its kind, and its end."""
    return _PAGE.partition(f"<{tag}>")[2].partition(f"</{tag.split()[0]}>")[0]


_ROW = _part('template id="row"')
_REMARK = _part('template id="remark"')


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash(_part('script'))}",
            f"style-src {_hash(_part('style'))}",
            "img-src data:",
            "connect-src 'self'",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'none'",
        ]
    ),
    "Referrer-Policy": "no-referrer",
}


def page(
    shown: Sequence[Summary],
    known: Iterable[Application],
    found: int,
    query: Mapping[str, str],
    now: float,
) -> bytes:
    """Return the page.

    shown: the first of those that were found; known: all there are.
    query: what was asked for, by the names of the page's own form.
    """
    state = query.get("state", "")
    counts = Counter(application.state for application in known)
    more = {**query, "limit": str(found)}
    fields = {
        "now": rfc3339(now),
        "time": utc(now),
        "query": query.get("q", ""),
        "match": query.get("match", ""),
        "count_all": f"{counts.total():,}",
        "checked_all": "" if state else "checked",
        "found": f"{found:,}",
        "more": f"?{urlencode(more)}",
        "more_hidden": "" if len(shown) < found else "hidden",
        "empty_hidden": "hidden" if found else "",
    }
    for each in State:
        fields[f"count_{each}"] = f"{counts[each]:,}"
        fields[f"checked_{each}"] = "checked" if state == each else ""
    rows = "".join(map(_row, shown))
    return _filled(_PAGE, fields, {"rows": rows, "remarks": ""}).encode()


def _row(summary: Summary) -> str:
    application, age = summary.application, summary.age
    interval, left = application.interval, summary.seconds_left
    fields = {
        "name": one_line(application.name),
        "source": one_line(application.source),
        "state": application.state,
        "series": f"{application.series:,}",
        "updated_at": rfc3339(application.updated_at),
        "age": "never" if age is None else duration(age),
        "interval": "" if interval is None else duration(interval),
        "expires": "" if left is None else duration(left),
    }
    return _filled(_ROW, fields, {"remarks": _remarks(summary)})


def _remarks(summary: Summary) -> str:
    remarks = [one_line(remark) for remark in summary.remarks()]
    everything = "\n".join(remarks)
    if len(everything) <= _SHORT:
        return escape(everything)
    return _filled(_REMARK, {"first": remarks[0], "all": everything}, {})


def _filled(
    template: str, fields: Mapping[str, object], markup: Mapping[str, str]
) -> str:
    """Return a template with its fields as text, and with markup of our own.

    A field that is not given is empty.
    """

    def value(match: re.Match[str]) -> str:
        name = match[1]
        return markup[name] if name in markup else escape(str(fields.get(name) or ""))

    return _FIELD.sub(value, template)
