"""Settings of where a node is reached, and the secret of its Gateway API; the base of `Settings`."""

from pathlib import Path

from pydantic import SecretStr, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from propylon.settings.addresses import Address, parse_address
from propylon.settings.checks import (
    MAKE_SECRET,
    Count,
    File,
    Listen,
    Networks,
    OptionalListen,
    OptionalSecret,
    Secret,
    weakness,
)


class ListenSettings(BaseSettings):
    """Never made by itself."""

    model_config = SettingsConfigDict(
        env_prefix="PROPYLON_",
        frozen=True,
        extra="forbid",
        validate_default=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    listen: Listen = "127.0.0.1:8080"
    """host:port of the public side; loopback until you decide otherwise."""
    tls_certificate: File = None
    """PEM chain that `listen` serves HTTPS with; read again on SIGHUP, so a renewal needs no restart."""
    tls_key: File = None
    """PEM key of `tls_certificate`; both or neither."""
    trusted_proxies: Networks = ()
    """Networks (CIDR) whose X-Forwarded-For is believed. Nobody by default: a client can write any address there."""
    control_listen: OptionalListen = ""
    """host:port of its own for the Gateway API, so that a firewall can tell them from traffic."""
    control_on_listen: bool | None = None
    """Whether `/tyk/` answers on `listen`. Unset: only if `listen` is loopback and `control_listen` is empty."""
    metrics_listen: OptionalListen = ""
    """host:port of its own for `/metrics`, in Prometheus' format and without a secret; empty: only `/tyk/metrics`."""

    dashboard_listen: OptionalListen = ""
    """host:port of the dashboard, served by the control process; empty: off. Loopback, or behind a TLS proxy."""

    strict_secrets: bool = False
    """Refuse secrets that are short or publicly known; otherwise they are accepted with a warning."""
    secret: Secret
    """What X-Tyk-Authorization must carry. Required, as a default would be known to everybody."""
    admin_secret: OptionalSecret = SecretStr("")
    """What the header admin-auth must carry on `/admin`, which sees all organisations. Empty: `/admin` is 404."""
    control_attempts_per_minute: Count = 30
    """Wrong secrets that one address may try in a minute before it is answered 429; slows guessing."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what is passed in, so that no test or command picks up the process's environment by accident."""
        return (init_settings,)

    @field_validator("tls_key")
    @classmethod
    def _check_tls_pair(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if "tls_certificate" in info.data and (key is None) != (info.data["tls_certificate"] is None):
            raise ValueError("tls_certificate and tls_key go together; set both or neither")
        return key

    @field_validator("control_listen", "metrics_listen", "dashboard_listen")
    @classmethod
    def _check_own_address(cls, text: str, info: ValidationInfo) -> str:
        for other in ("listen", "control_listen", "metrics_listen"):
            if other != info.field_name and text and text == info.data.get(other) and not text.endswith(":0"):
                raise ValueError(f"must differ from {other}; choose another port, or leave it empty")
        return text

    @field_validator("secret", "admin_secret")
    @classmethod
    def _check_secret(cls, secret: SecretStr, info: ValidationInfo) -> SecretStr:
        given = info.field_name == "secret" or secret.get_secret_value()
        if given and info.data.get("strict_secrets") and (why := weakness(secret)):
            raise ValueError(f"{why}, and strict_secrets is on; {MAKE_SECRET}")
        return secret

    @property
    def listen_address(self) -> Address:
        return parse_address(self.listen)

    @property
    def control_address(self) -> Address | None:
        """None when the Gateway API has no address of its own."""
        return parse_address(self.control_listen) if self.control_listen else None

    @property
    def metrics_address(self) -> Address | None:
        """None when metrics have no address of their own."""
        return parse_address(self.metrics_listen) if self.metrics_listen else None

    @property
    def dashboard_address(self) -> Address | None:
        """None when the dashboard is off."""
        return parse_address(self.dashboard_listen) if self.dashboard_listen else None

    @property
    def serves_control_on_listen(self) -> bool:
        if self.control_on_listen is None:
            return self.listen_address.is_loopback and not self.control_listen
        return self.control_on_listen

    def secret_text(self) -> str:
        return self.secret.get_secret_value()
