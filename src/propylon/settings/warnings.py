"""What settings are accepted with and should not stay so; said once at start."""

from propylon.errors import Problem
from propylon.settings.checks import MAKE_SECRET, weakness
from propylon.settings.values import Settings


def warnings_of(settings: Settings) -> list[Problem]:
    warned = []
    if why := weakness(settings.secret):
        warned.append(Problem("secret", "secret_weak", f"{why}; {MAKE_SECRET}"))
    if settings.admin_secret.get_secret_value() and (why := weakness(settings.admin_secret)):
        warned.append(Problem("admin_secret", "secret_weak", f"{why}; {MAKE_SECRET}"))
    if any(network.prefixlen == 0 for network in settings.trusted_proxies):
        text = "trusts every peer, so any client can choose its address; name the networks of your proxies"
        warned.append(Problem("trusted_proxies", "everybody_trusted", text))
    if settings.control_address is not None and not settings.control_address.is_loopback:
        text = "is served without TLS, so the secret crosses the network in clear; put a TLS proxy before it"
        warned.append(Problem("control_listen", "control_in_clear", text))
    if settings.dashboard_address is not None and not settings.dashboard_address.is_loopback:
        text = "is served without TLS, so passwords cross the network in clear; put a TLS proxy before it"
        warned.append(Problem("dashboard_listen", "dashboard_in_clear", text))
    if settings.allow_insecure_jwks:
        text = "lets key sets come over plain http and from inside the network; unset it when the test is over"
        warned.append(Problem("allow_insecure_jwks", "insecure_jwks", text))
    return warned
