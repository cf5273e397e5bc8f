"""`propylon demo`: the gateway with a sample upstream, the APIs of `examples/`, and commands that show each at work.

A client of the gateway like any other: it starts `propylon serve` and speaks its REST API.
"""

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

import typer
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from joserfc import jwt
from joserfc.jwk import OctKey, RSAKey

from propylon.cli.demo_traffic import keep_asking, sessions, traffic_keys

app = typer.Typer(add_completion=False)
TOKEN_LIFE_S: Final = 3600
PORTS_TRIED: Final = 20
JWT_KEY_ID: Final = "acme"
FIRST_USER: Final = "admin@example.org"


class Keys(NamedTuple):
    """What the demo signs with; kept in its data folder so that a second run finds the same keys."""

    gateway_secret: str
    token: str
    jwt_secret: str
    idp_private_pem: str


@app.command()
def demo(
    listen: Annotated[str, typer.Option(help="host:port of the gateway.")] = "127.0.0.1:8080",
    dashboard: Annotated[str, typer.Option(help="host:port of the dashboard; empty: none.")] = "127.0.0.1:3000",
    data_dir: Annotated[Path, typer.Option(help="Folder the demo keeps its keys and counters in.")] = Path(
        ".propylon/demo"
    ),
    traffic: Annotated[bool, typer.Option(help="Send two or three example requests a second.")] = True,
) -> None:
    """Run the gateway with four example APIs and its dashboard, and print commands to try them."""
    raise typer.Exit(run_demo(listen, dashboard, data_dir, has_traffic=traffic))


def run_demo(listen: str, dashboard: str, data_dir: Path, *, has_traffic: bool) -> int:
    """Runs until interrupted; the gateway's exit code."""
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    keys = _load_keys(data_dir / "demo-keys.json")
    upstream = subprocess.Popen(
        [sys.executable, "-m", "propylon.cli.sample_upstream"], stdout=subprocess.PIPE, text=True
    )
    assert upstream.stdout is not None
    gateway = None
    stop = threading.Event()
    try:
        port = upstream.stdout.readline().strip()
        dashboard = _free_near(dashboard) if dashboard else ""
        environment = _environment(listen, dashboard, data_dir, keys, port)
        gateway = subprocess.Popen(
            [sys.executable, "-m", "propylon.cli.main", "serve"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        signal.signal(signal.SIGTERM, lambda *_: gateway.terminate())
        url = _await_ready(gateway)
        if url:
            _create_keys(url, keys)
            if dashboard:
                print(_sign_in(dashboard, environment), flush=True)
            print(_instructions(url, keys), flush=True)
            if has_traffic:
                _start_traffic(url, keys, stop)
        return gateway.wait()
    except KeyboardInterrupt:
        return gateway.wait() if gateway is not None else 0
    finally:
        stop.set()
        upstream.terminate()
        upstream.wait()


def _free_near(address: str) -> str:
    """That address, or the next port after it which nobody uses: a demo should not fail for somebody's port 3000."""
    host, _, port = address.rpartition(":")
    for number in range(int(port), int(port) + PORTS_TRIED):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if probe.connect_ex((host, number)):
                return f"{host}:{number}"
    return address


def _await_ready(gateway: "subprocess.Popen[str]") -> str:
    """The URL of the line that says so, "" when the gateway ended instead."""
    assert gateway.stdout is not None
    for line in gateway.stdout:
        print(line, end="", flush=True)
        if line.startswith("propylon ready on "):
            return line.removeprefix("propylon ready on ").strip()
    return ""


def _environment(listen: str, dashboard: str, data_dir: Path, keys: Keys, upstream_port: str) -> dict[str, str]:
    examples = _examples()
    private = serialization.load_pem_private_key(keys.idp_private_pem.encode(), None)
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        **os.environ,
        "PROPYLON_LISTEN": listen,
        "PROPYLON_DASHBOARD_LISTEN": dashboard,
        "PROPYLON_DATA_DIR": str(data_dir),
        "PROPYLON_SECRET": keys.gateway_secret,
        "PROPYLON_ACCESS_LOG": "off",  # example callers are refused all the time; the dashboard shows it better
        "PROPYLON_APP_PATH": str(examples / "apis"),
        "PROPYLON_POLICY_PATH": str(examples / "policies"),
        "DEMO_UPSTREAM": f"http://127.0.0.1:{upstream_port}/",
        "DEMO_IDP_PUBLIC_KEY": public.decode(),
    }


def _examples() -> Path:
    """Inside the package when installed from a wheel, beside `src` in a checkout."""
    package = Path(__file__).resolve().parent.parent
    installed = package / "examples"
    return installed if installed.is_dir() else package.parent.parent / "examples"


def _load_keys(path: Path) -> Keys:
    if path.exists():
        return Keys(**json.loads(path.read_text()))
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    keys = Keys(secrets.token_urlsafe(32), f"demo-{secrets.token_hex(16)}", secrets.token_urlsafe(48), pem.decode())
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(keys._asdict(), file)
    return keys


def _create_keys(url: str, keys: Keys) -> None:
    """The same body again is no error: a second run finds its keys."""
    limits = {"rate": 5, "per": 10, "quota_max": 100, "quota_renewal_rate": 3600, "expires": -1}
    token_rights = {"auth-token": {"api_id": "auth-token", "api_name": "Auth token", "versions": ["Default"]}}
    jwt_rights = {"jwt-per-key": {"api_id": "jwt-per-key", "api_name": "JWT per key", "versions": ["Default"]}}
    _post(url, keys, keys.token, {**limits, "alias": "demo-client", "access_rights": token_rights})
    jwt_key = {**limits, "alias": "Acme Ltd", "access_rights": jwt_rights, "jwt_data": {"secret": keys.jwt_secret}}
    _post(url, keys, JWT_KEY_ID, jwt_key)


def _start_traffic(url: str, keys: Keys, stop: threading.Event) -> None:
    callers = traffic_keys(keys.gateway_secret)
    for key_id, session in sessions(callers).items():
        _post(url, keys, key_id, session)
    threading.Thread(target=keep_asking, args=(url, callers, keys.idp_private_pem, stop), daemon=True).start()


def _post(url: str, keys: Keys, key_id: str, session: dict[str, Any]) -> None:
    request = urllib.request.Request(
        f"{url}/tyk/keys/{key_id}",
        data=json.dumps(session).encode(),
        headers={"x-tyk-authorization": keys.gateway_secret, "content-type": "application/json"},
        method="POST",
    )
    try:
        urllib.request.urlopen(request, timeout=10).close()
    except urllib.error.HTTPError as error:
        print(f"key {key_id} was not created: {error.status} {error.read().decode()}", file=sys.stderr)


def _sign_in(dashboard: str, environment: dict[str, str]) -> str:
    """How to get into the dashboard; the first user's password is printed when that user is made, and never again."""
    command = [sys.executable, "-m", "propylon.cli.main", "users", "create", FIRST_USER, "--admin"]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said = dict(line.split(maxsplit=1) for line in made.stdout.splitlines() if len(line.split(maxsplit=1)) == 2)
    first = f"sign in as {FIRST_USER}"
    if "password" in said:
        return f"\nDashboard: http://{dashboard}/  ({first}, password {said['password']}: shown once)"
    return f"\nDashboard: http://{dashboard}/  ({first}; its password was shown when this folder was new)"


def _instructions(url: str, keys: Keys) -> str:
    now = int(time.time())  # noqa: TID251 - the demo signs tokens as a client would
    claims = {"sub": "alice", "iat": now, "exp": now + TOKEN_LIFE_S}
    idp = RSAKey.import_key(keys.idp_private_pem)
    shared = jwt.encode({"alg": "RS256"}, {**claims, "pol": "partner"}, idp)
    no_policy = jwt.encode({"alg": "RS256"}, claims, idp)
    acme = OctKey.import_key(keys.jwt_secret)
    per_key = jwt.encode({"alg": "HS256", "kid": JWT_KEY_ID}, claims, acme)
    other_kid = jwt.encode({"alg": "HS256", "kid": JWT_KEY_ID[:-1]}, claims, acme)
    rows = [
        ("Keyless", "passes", f"curl -i {url}/keyless/hello"),
        ("", "refused: no such API", f"curl -i {url}/keyles/hello"),
        ("Auth token", "passes", f"curl -i {url}/auth-token/hello -H 'Authorization: {keys.token}'"),
        ("", "refused: one character less", f"curl -i {url}/auth-token/hello -H 'Authorization: {keys.token[:-1]}'"),
        ("JWT shared", "passes", f"curl -i {url}/jwt-shared/hello -H 'Authorization: Bearer {shared}'"),
        ("", "refused: names no policy", f"curl -i {url}/jwt-shared/hello -H 'Authorization: Bearer {no_policy}'"),
        ("JWT per key", "passes", f"curl -i {url}/jwt-per-key/hello -H 'Authorization: Bearer {per_key}'"),
        (
            "",
            "refused: kid one character less",
            f"curl -i {url}/jwt-per-key/hello -H 'Authorization: Bearer {other_kid}'",
        ),
    ]
    lines = ["", f"Gateway API: {url}/tyk/apis  (header x-tyk-authorization: {keys.gateway_secret})"]
    for title, outcome, command in rows:
        lines += [*(["", f"== {title}"] if title else []), f"# {outcome}", command]
    return "\n".join([*lines, "", "Tokens are good for an hour. Ctrl-C ends the demo."])
