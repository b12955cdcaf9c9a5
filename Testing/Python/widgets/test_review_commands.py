"""The table of corrections: keys that do not collide, and texts for all."""

from collections import Counter

import pytest
from cacnet.anatomy import Vessel
from CACNetSegmentationLib.widgets.review.commands import COMMANDS, MENU, RELABEL, Name, Needs


def test_every_correction_is_there_once():
    assert sorted(command.name for command in COMMANDS) == sorted(Name)


def test_no_two_corrections_share_a_key():
    keys = Counter(key for command in COMMANDS for key in command.keys)
    assert {key for key, uses in keys.items() if uses > 1} == set()


def test_keys_one_to_five_follow_the_numbers_of_the_vessels():
    keys = {command.name: command.keys for command in COMMANDS}
    assert {vessel: keys[name] for vessel, name in RELABEL.items()} == {v: (str(int(v)),) for v in Vessel}


def test_every_correction_is_explained():
    assert all(command.text and command.tooltip for command in COMMANDS)


def test_the_menu_names_known_corrections():
    assert {entry for entry in MENU if entry not in (None, "relabel")} <= set(Name)


@pytest.mark.parametrize(
    ("needs", "enough", "not_enough"),
    [(Needs.NONE, (0, 1, 2), ()), (Needs.SOME, (1, 2), (0,)), (Needs.ONE, (1,), (0, 2)), (Needs.TWO, (2, 3), (0, 1))],
)
def test_a_correction_needs_so_many_lesions(needs, enough, not_enough):
    assert all(needs.met_by(n) for n in enough)
    assert not any(needs.met_by(n) for n in not_enough)
