"""Propylon: an API gateway that speaks Tyk's wire formats."""

from typing import Final

__version__: Final = "0.1.0"
