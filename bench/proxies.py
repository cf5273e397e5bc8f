"""The yardsticks: nginx that only proxies, and HAProxy that verifies a JWT and counts its subject. One worker each."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.origin import running_nginx
from bench.processes import accepts, demand, running, wait_until_ready
from tests.kit.ports import free_port
from tests.kit.redis_server import RedisServer


class Proxy(NamedTuple):
    """A running proxy: where it listens, whose CPU time counts, and whether work is left over when the load ends."""

    pid: int
    port: int
    has_usage: bool
    redis: RedisServer | None = None  # that it counts in, which is not of its family


NGINX = """\
  upstream origin {{
    server 127.0.0.1:{origin};
    keepalive 128;
    keepalive_requests 1000000000;
  }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
    }}
  }}"""

HAPROXY = """\
global
  nbthread 1
  maxconn 4096
  tune.pool-low-fd-ratio 90
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend public
  bind 127.0.0.1:{port} backlog 4096
  stick-table type string len 64 size 100k expire 2m store http_req_rate(60s)
  http-request set-var(txn.bearer) http_auth_bearer
  http-request set-var(txn.alg) var(txn.bearer),jwt_header_query('$.alg')
  http-request deny deny_status 401 unless {{ var(txn.alg) -m str HS256 }}
  http-request deny deny_status 403 unless {{ var(txn.bearer),jwt_verify(txn.alg,"{secret}") -m int 1 }}
  http-request set-var(txn.sub) var(txn.bearer),jwt_payload_query('$.sub')
  http-request track-sc0 var(txn.sub)
  http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt 1000000000 }}
  default_backend origin
backend origin
  server origin 127.0.0.1:{origin}
"""


@contextmanager
def running_bare_nginx(folder: Path, origin: int, *, core: int) -> Iterator[Proxy]:
    port = free_port()
    with running_nginx(folder / "nginx", NGINX.format(origin=origin, port=port), port, core=core) as pid:
        yield Proxy(pid, port, has_usage=False)


@contextmanager
def running_haproxy(folder: Path, origin: int, secret: str, *, core: int) -> Iterator[Proxy]:
    port, config, log = free_port(), folder / "haproxy.cfg", folder / "haproxy.log"
    config.write_text(HAPROXY.format(origin=origin, port=port, secret=secret))
    with running([demand("haproxy"), "-db", "-f", str(config)], log, core=core) as process:
        wait_until_ready(process, log, lambda: accepts(port))
        yield Proxy(process.pid, port, has_usage=False)
