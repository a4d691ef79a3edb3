"""What is fetched from a daemon, whole or in part, and what must be said of it."""

from rsync_exporter.tests import acts
from rsync_exporter.tests.acts import ODD_NAMES, pull, twice
from rsync_exporter.tests.scenario import (
    ALL_BYTES,
    NO_LARGE,
    NOBODY,
    OWN,
    READ,
    Scenario,
    files,
    pulled,
    says,
)

PULLS = [
    # Pulls that go well.
    Scenario("pull", READ, pull(), pulled()),
    Scenario(
        "pull_again",
        READ,
        twice(pull()),
        says("pull ok", "pull ok", total_size=2 * ALL_BYTES, sends=files()),
    ),
    Scenario(
        "list_files",
        READ,
        acts.list_files,
        says("pull ok", total_size=ALL_BYTES),
    ),
    Scenario(
        "dry_run", READ, pull(options="-n"), says("pull ok", total_size=ALL_BYTES)
    ),
    Scenario(
        "arguments",
        READ,
        pull("small", "large", "sub/deep"),
        pulled("small", "large", "sub/deep"),
    ),
    Scenario("sub_path", READ, pull("sub/"), pulled("sub/deep")),
    Scenario("compressed", READ, pull("large", options="-z"), pulled("large")),
    Scenario("with a blank", READ, pull("small"), pulled("small")),
    Scenario("unlisted", {**READ, "list": "no"}, pull("small"), pulled("small")),
    Scenario(
        "allowed", {**READ, "hosts allow": "127.0.0.1"}, pull("small"), pulled("small")
    ),
    Scenario("excluded", {**READ, "exclude": "large"}, pull(), pulled(*NO_LARGE)),
    *(
        Scenario(f"odd_{kind}", READ, pull(name), pulled(name))
        for kind, name in ODD_NAMES.items()
    ),
    # Pulls that leave something out: the daemon names no exit code.
    Scenario(
        "missing",
        READ,
        pull("nope", ends=23),
        says("pull partial", file_errors=("link_stat ENOENT",)),
    ),
    Scenario(
        "one_missing",
        READ,
        pull("nope", "small", ends=23),
        says(
            "pull partial",
            total_size=1000,
            sends=files("small"),
            file_errors=("link_stat ENOENT",),
        ),
    ),
    Scenario(
        "glob",
        READ,
        pull("*.zzz", ends=23),
        says("pull partial", file_errors=("link_stat ENOENT",)),
    ),
    Scenario(
        "excluded_one",
        {**READ, "exclude": "large"},
        pull("large", ends=23),
        says("pull partial", file_errors=("link_stat ENOENT",)),
    ),
    Scenario(
        "traversal",
        READ,
        pull("../../../etc/passwd", ends=23),
        says("pull partial", file_errors=("change_dir ENOENT",)),
    ),
    Scenario(
        "unreadable",
        NOBODY,
        acts.pull_unreadable_files,
        says(
            "pull partial",
            total_size=30,
            sends=(1, 10),
            file_errors=("opendir EACCES", "open EACCES"),
        ),
    ),
    Scenario(
        "vanished",
        OWN,
        acts.pull_vanishing_file,
        says("pull partial", total_size=100_010, sends=(1, 100_000), vanished=1),
    ),
]
