"""What is brought to a daemon, and what must be said of it."""

from rsync_exporter.tests import acts
from rsync_exporter.tests.acts import LETTER_BYTES, push, twice, where
from rsync_exporter.tests.scenario import (
    ALICE,
    AUTH,
    LETTER,
    WRITE,
    Scenario,
    says,
)

PUSHES = [
    Scenario(
        "push", WRITE, push(), says("push ok", total_size=LETTER_BYTES, receives=LETTER)
    ),
    Scenario(
        "push_again",
        WRITE,
        twice(push()),
        says("push ok", "push ok", total_size=2 * LETTER_BYTES, receives=LETTER),
    ),
    Scenario(
        "push_and_delete",
        WRITE,
        where("a", "b", "folder/c", then=push(options="--delete")),
        says("push ok", total_size=LETTER_BYTES, receives=LETTER, deletes=4),
    ),
    Scenario(
        "push_with_password",
        {**WRITE, **AUTH},
        push(login=ALICE),
        says("push ok", total_size=LETTER_BYTES, receives=LETTER),
    ),
    Scenario(
        "push_other_kinds",
        WRITE,
        acts.push_other_kinds,
        says("push ok", total_size=LETTER_BYTES + len("letter"), receives=LETTER),
    ),
    # The daemon of such a push says nothing at its end.
    Scenario(
        "push_over_a_folder",
        WRITE,
        where("letter/x", then=push(ends=23)),
        says("push under-way"),
    ),
    Scenario(
        "push_and_delete_too_much",
        WRITE,
        where("a", "b", then=push(options="--delete --max-delete=1")),
        says("push under-way", receives=LETTER, deletes=1),
    ),
]
