"""What one process needs to start. The names here are what the rest of the gateway uses."""

from propylon.settings.addresses import Address, Network
from propylon.settings.loading import load_settings
from propylon.settings.reference import settings_reference_markdown
from propylon.settings.values import Settings
from propylon.settings.warnings import warnings_of

__all__ = ["Address", "Network", "Settings", "load_settings", "settings_reference_markdown", "warnings_of"]
