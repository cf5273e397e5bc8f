"""Fixtures that several tests of the stores share."""

from tests.kit.places import bare_place as bare_place
from tests.kit.places import place as place
