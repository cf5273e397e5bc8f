"""The origin behind every proxy: one nginx worker that answers each request with the same JSON. Knows no proxy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import accepts, demand, running, wait_until_ready
from tests.kit.ports import free_port

BODY = json.dumps({"items": [{"id": number, "name": f"item {number}", "price": 12.5} for number in range(11)]})
assert 450 < len(BODY) < 550, "the usual size of a small JSON answer"

# A keep-alive connection ends after 1000 requests unless told otherwise; connecting is not what is measured.
NGINX_BASE = """\
daemon off;
worker_processes 1;
pid nginx.pid;
error_log stderr warn;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
{http}
}}
"""
ORIGIN = """\
  default_type application/json;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{ return 200 '{body}'; }}
    location /traced/ {{ add_header X-Request-Id $request_id; return 200 '{body}'; }}
  }}"""


@contextmanager
def running_nginx(folder: Path, http: str, port: int, *, core: int) -> Iterator[int]:
    """nginx with these lines in its http block; yields its process id once it accepts connections."""
    folder.mkdir()
    config, log = folder / "nginx.conf", folder / "log"
    config.write_text(NGINX_BASE.format(http=http))
    command = [demand("nginx"), "-p", str(folder), "-c", str(config), "-e", "stderr"]
    with running(command, log, core=core) as process:
        wait_until_ready(process, log, lambda: accepts(port))
        yield process.pid


@contextmanager
def running_origin(folder: Path, *, core: int) -> Iterator[int]:
    """Yields its port."""
    port = free_port()
    with running_nginx(folder / "origin", ORIGIN.format(port=port, body=BODY), port, core=core):
        yield port
