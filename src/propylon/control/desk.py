"""What every resource of the Gateway API works with. Made once by the control process."""

from typing import NamedTuple

from propylon.clock import Clock
from propylon.control.announcer import Announcer
from propylon.control.definitions import KnownApis
from propylon.control.explainer import Explainer
from propylon.control.files import Files
from propylon.control.people.signing_in import SigningIn
from propylon.control.standing import Standing
from propylon.settings import Settings
from propylon.stores.ports import NodeMeters
from propylon.stores.records.records import Records
from propylon.stores.sealing import Sealing
from propylon.telemetry.metrics import Metrics


class Desk(NamedTuple):
    settings: Settings
    sealing: Sealing
    records: Records
    meters: NodeMeters
    known_apis: KnownApis
    files: Files
    announcer: Announcer
    clock: Clock
    metrics: Metrics
    explainer: Explainer
    standing: Standing
    signing_in: SigningIn
