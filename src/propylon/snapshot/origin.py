"""Where an API's requests go: scheme, host, port and TLS rules; what connections are pooled by."""

from typing import NamedTuple


class Origin(NamedTuple):
    key: str  # what pools are found by: equal key, interchangeable connections
    host: str
    port: int
    tls: bool
    tls_verify: bool
    unix_path: str  # set only for the control process

    @property
    def authority(self) -> str:
        """Host field value: the port only where it is not the scheme's own (RFC 9110 §4.2)."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.tls else 80) else f"{host}:{self.port}"


def origin(host: str, port: int, *, tls: bool, tls_verify: bool = True) -> Origin:
    scheme = ("https" if tls_verify else "https-unverified") if tls else "http"
    return Origin(f"{scheme}://{host}:{port}", host, port, tls, tls_verify, "")


def unix_origin(path: str) -> Origin:
    return Origin(f"unix:{path}", "localhost", 80, tls=False, tls_verify=False, unix_path=path)
