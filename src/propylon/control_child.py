"""The control process as the composition root makes it: its plan, and the dashboard that it serves.

Called in the child: SQLAlchemy, FastAPI and Jinja2 stay out of the parent, which forks workers.
"""

import importlib
from typing import TYPE_CHECKING, Final, NamedTuple

from propylon.settings import Settings
from propylon.stores.root_secrets import RootSecrets

if TYPE_CHECKING:
    from propylon.control.desk import Desk
    from propylon.control.serving import ControlServer

DASHBOARD: Final = "propylon.dashboard.serving"  # its `server_of(desk)` makes what is served on dashboard_listen


class ControlChild(NamedTuple):
    """What the parent knows of the control process; `ControlPlan` says what each is."""

    settings: Settings
    since: float
    socket_path: str
    root_secrets: RootSecrets
    beat_fd: int
    lifeline_fd: int
    takes_over: bool


def be_control(child: ControlChild) -> None:
    """Returns when the control process has ended; SystemExit(2) when it cannot start."""
    process = importlib.import_module("propylon.control.process")
    process.run_control(process.ControlPlan(**child._asdict(), dashboard=_dashboard))


def _dashboard(desk: "Desk") -> "ControlServer":
    """Imported when it is served, which is once the workers may start."""
    server: ControlServer = importlib.import_module(DASHBOARD).server_of(desk)
    return server
