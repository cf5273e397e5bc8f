"""`propylon audit`: whether the audit log is what was written, and all of it to keep elsewhere."""

import re
import sys
from enum import StrEnum
from typing import Annotated, Final

import typer

from propylon.cli.ending import NO, WRONG_USE, stop
from propylon.cli.own_records import OPERATOR, Config, OwnDesk, with_records
from propylon.control.audit import export as export_log
from propylon.stores.records.audit import End
from propylon.stores.records.audit_reads import AuditFilter
from propylon.stores.records.audit_verify import Verified
from propylon.stores.records.audit_verify import verify as verify_log

app = typer.Typer(no_args_is_help=True, add_completion=False, help="The audit log, in the records themselves.")

END: Final = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


class Form(StrEnum):
    csv = "csv"
    json = "json"


Expect = Annotated[str, typer.Option(help="NUMBER:CHAIN that an earlier verification printed; keep it elsewhere.")]
OutputForm = Annotated[Form, typer.Option(help="csv, or json: one entry a line.")]


@app.command("verify")
def verify(expect: Expect = "", config: Config = None) -> None:
    """Walk the chain. 1, with the first entry that is wrong, if the log is not what was written."""
    expected = None if not expect else _end(expect)

    async def work(desk: OwnDesk) -> Verified:
        return await verify_log(desk.records.audit, desk.sealing, expected)

    found = with_records(config, work)
    if found.broken is not None:
        stop(NO, f"the audit log is broken at entry {found.broken.number}: {found.broken.why}")
    print(f"{found.entries} entries, none changed or missing; the end is")
    print(f"{found.newest.number}:{found.newest.chain or '0' * 64}")


@app.command("export")
def export(form: OutputForm = Form.json, config: Config = None) -> None:
    """Write the whole log to stdout, oldest first. The export is an entry itself."""

    async def work(desk: OwnDesk) -> None:
        async for piece in await export_log(desk, OPERATOR, AuditFilter(), form.value):
            sys.stdout.write(piece.decode())

    with_records(config, work)


def _end(text: str) -> End:
    found = END.fullmatch(text)
    if found is None:
        stop(WRONG_USE, f"--expect {text}: write NUMBER:CHAIN as verify printed it")
    return End(int(found[1]), found[2])
