"""The dashboard as the control process serves it: the real parts put together. Imported once workers may start."""

from propylon.control.dashboard_api.routes import routes
from propylon.control.desk import Desk
from propylon.control.people.signed_in import by_access_key
from propylon.control.serving import ControlServer, hosted
from propylon.dashboard.app import Dashboard
from propylon.dashboard.own_files import open_own_files
from propylon.dashboard.signing_in import RecordedPeople


def server_of(desk: Desk) -> ControlServer:
    """The pages, and the REST API under /api for who has an access key."""
    api = routes(desk, by_access_key)
    return hosted(Dashboard(desk, RecordedPeople(desk), open_own_files(), {"/api": api}), desk)
