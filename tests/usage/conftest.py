"""Fixtures that several tests of usage share."""

from tests.kit.places import place as place
