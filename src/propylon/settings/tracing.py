"""Settings of tracing; a base of `Settings`."""

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class TracingSettings(BaseSettings):
    """Never made by itself."""

    model_config = SettingsConfigDict(use_attribute_docstrings=True)

    tracing_endpoint: str = ""
    """URL of an OTLP/HTTP collector for spans; `/v1/traces` is meant where it has no path. Empty: no tracing."""
    tracing_sample_ratio: float = Field(1.0, ge=0, le=1)
    """How many of the traces that begin here are sampled, from 0 to 1; the others cost an ID each."""
    tracing_trust: Literal["proxies", "everybody"] = "proxies"
    """Whose decision to sample holds: that of `trusted_proxies`, or everybody's. For others the ratio decides."""

    @field_validator("tracing_endpoint")
    @classmethod
    def _check_tracing_endpoint(cls, url: str) -> str:
        if not url:
            return ""
        try:
            parts = urlsplit(url)
            is_whole = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        except ValueError:
            is_whole = False
        if not is_whole or not url.isascii() or not url.isprintable() or " " in url:
            raise ValueError("is no URL of a collector; write http://host:4318 or https://host/v1/traces")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError(
                "may hold neither a password nor a query; what the collector asks for goes into "
                "the environment, as OTEL_EXPORTER_OTLP_HEADERS"
            )
        return url

    @property
    def tracing_url(self) -> str:
        """Where spans are posted, "" without tracing."""
        has_path = urlsplit(self.tracing_endpoint).path not in ("", "/")
        return (
            self.tracing_endpoint
            if has_path or not self.tracing_endpoint
            else f"{self.tracing_endpoint.rstrip('/')}/v1/traces"
        )
