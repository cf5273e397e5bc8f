"""uvicorn, set up for the Gateway API. Imported once workers may start: with FastAPI it takes 0.4 s to load."""

import contextlib
from collections.abc import Iterator
from math import ceil
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from propylon.control.app import App
from propylon.control.desk import Desk
from propylon.control.metrics_page import MetricsPage

END_WITHIN_S: Final = 3  # for running requests at the end; the parent kills after 5
OUTLIVES_WORKER_S: Final = 15  # so that the worker closes an idle connection first and never sends into a closed one


class ControlServer(uvicorn.Server):
    """Signals are the process's affair."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def server_of(desk: Desk) -> ControlServer:
    return hosted(App(desk), desk)


def metrics_server_of(desk: Desk) -> ControlServer:
    return hosted(MetricsPage(desk.metrics), desk)


def hosted(application: ASGIApp, desk: Desk) -> ControlServer:
    """A server of the control process, with its limits.

    h11 rather than httptools: it bounds the size of a head, and `control_listen` has no worker before it.
    """
    config = uvicorn.Config(
        application,
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=ceil(desk.settings.upstream_idle_timeout_s) + OUTLIVES_WORKER_S,
        timeout_graceful_shutdown=END_WITHIN_S,
    )
    return ControlServer(config)
