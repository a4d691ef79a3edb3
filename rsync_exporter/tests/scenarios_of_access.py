"""Who is let in and who is not, and what must be said of it."""

from rsync_exporter.tests import acts
from rsync_exporter.tests.acts import HUGE_BYTES, pull
from rsync_exporter.tests.scenario import (
    ALICE,
    AUTH,
    HUGE,
    INTERRUPTED_PULL,
    OWN,
    READ,
    Scenario,
    pulled,
    says,
)

NO_AUTH = "none auth_failed"
FAILED = "rsyncd_auth_failures_total{{{module},"

ACCESS = [
    # Who is not let in.
    Scenario(
        "list_modules",
        OWN,
        acts.list_modules,
        says("none list", also="rsyncd_module_list_requests_total"),
    ),
    Scenario(
        "list_modules_by_hand",
        OWN,
        acts.say(b"@RSYNCD: 31.0\n#list\n"),
        says("none list", also="rsyncd_module_list_requests_total"),
    ),
    Scenario(
        "unknown",
        OWN,
        acts.ask_for("nowhere"),
        says("none unknown_module", also="rsyncd_unknown_module_requests_total"),
    ),
    Scenario(
        "unknown_and_odd",
        OWN,
        acts.ask_for("no such'mod (1.2.3.4)' tried from evil (9.9.9.9)"),
        says("none unknown_module", also="rsyncd_unknown_module_requests_total"),
    ),
    Scenario(
        "denied",
        {**READ, "hosts deny": "*"},
        pull(ends=5),
        says("none denied", also="rsyncd_access_denied_total{{{module}}}"),
    ),
    Scenario(
        "denied_and_unlisted",
        {**READ, "hosts deny": "*", "list": "no"},
        pull(ends=5),
        says("none denied", also="rsyncd_access_denied_total{{{module}}}"),
    ),
    Scenario(
        "gone", {"path": "{folder}/nowhere"}, pull(ends=5), says("none config_error")
    ),
    Scenario(
        "no_root",
        {"use chroot": "yes", "path": "{folder}/nowhere"},
        pull(ends=5),
        says("none config_error"),
    ),
    Scenario("no_path", {"path": ""}, pull(ends=5), says("none config_error")),
    Scenario(
        "no_such_user",
        {**READ, "uid": "nosuchuser"},
        pull(ends=5),
        says("none config_error"),
    ),
    Scenario("port_scan", OWN, acts.say(b""), says("none connected")),
    Scenario(
        "web_browser", OWN, acts.say(b"GET / HTTP/1.1\r\n\r\n"), says("none connected")
    ),
    Scenario(
        "one_at_a_time",
        {**HUGE, "max connections": "1", "lock file": "{folder}/lock"},
        acts.pull_while_another_does,
        says(
            "pull aborted",
            "none max_connections",
            total_size=HUGE_BYTES,
            error=INTERRUPTED_PULL,
            also="rsyncd_max_connections_refusals_total{{{module}}}",
        ),
    ),
    # Who says who they are.
    Scenario("password", {**READ, **AUTH}, pull("small", login=ALICE), pulled("small")),
    Scenario(
        "bad_password",
        {**READ, **AUTH},
        pull(login="alice:bad", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="password mismatch"}}'),
    ),
    Scenario(
        "stranger",
        {**READ, **AUTH},
        pull(login="mallory:bad", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="no matching rule"}}'),
    ),
    Scenario(
        "odd_user",
        {**READ, **AUTH},
        pull(login="root (1.2.3.4) for admin:x", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="no matching rule"}}'),
    ),
    Scenario(
        "denied_user",
        {**READ, **AUTH},
        pull(login="bob:builder", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="denied by rule"}}'),
    ),
    Scenario(
        "nobody",
        {**READ, **AUTH},
        pull(ends=5),
        says(NO_AUTH, also=FAILED + 'reason="no matching rule"}}'),
    ),
    Scenario(
        "no_secret",
        {**READ, **AUTH},
        pull(login="carol:x", ends=5),
        says(NO_AUTH, also=FAILED + 'reason="secret not found"}}'),
    ),
    Scenario(
        "no_secrets",
        {**READ, "auth users": "alice"},
        pull(login=ALICE, ends=5),
        says(NO_AUTH, also=FAILED + 'reason="no secrets file"}}'),
    ),
]
