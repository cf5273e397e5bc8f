"""`propylon check FILE…`: would a gateway take these files, and what would it say? Asks none, and starts none."""

import json
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from propylon.cli.checked_files import Files, Finding, Kind, paths_of
from propylon.cli.ending import NO, WRONG_USE, stop
from propylon.cli.gateway import Json
from propylon.cli.printing import line, problem_text
from propylon.settings import Settings

app = typer.Typer(add_completion=False)

UNUSED: Final = "opens-nothing-as-no-gateway-is-asked"  # Settings want a secret

Given = Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files, or folders of .json files.")]
OfKind = Annotated[Kind | None, typer.Option("--kind", help="What the files hold; told by their members otherwise.")]
Strict = Annotated[bool, typer.Option("--strict", help="As with strict_definitions and strict_secrets.")]
Org = Annotated[str, typer.Option("--org", help="default_org_id of the gateway.")]
FilesPath = Annotated[Path | None, typer.Option("--files-path", help="files_path of the gateway, for file://.")]


@app.command()
def check(
    files: Given,
    kind: OfKind = None,
    strict: Strict = False,
    org: Org = "default",
    files_path: FilesPath = None,
    as_json: Json = False,
) -> None:
    """Check API definitions, policies and keys offline. 1 if there is any problem."""
    strictness = {"strict_definitions": strict, "strict_secrets": strict}
    given: dict[str, Any] = {"secret": UNUSED, "default_org_id": org, "files_path": files_path, **strictness}
    read = Files(Settings(**given), kind)
    paths = list(dict.fromkeys(paths_of(files)))
    if not paths:
        stop(WRONG_USE, "there is no .json file to check")
    for path in paths:
        read.read(path)
    read.compare()
    (_print_json if as_json else _print)(read.findings, len(paths))
    if any(finding.is_problem for finding in read.findings):
        raise typer.Exit(NO)


def _print(findings: list[Finding], files: int) -> None:
    for finding in findings:
        kind = "problem" if finding.is_problem else "warning"
        line(f"{finding.file}: {kind}: {problem_text(finding.problem._asdict())}")
    problems = sum(finding.is_problem for finding in findings)
    line(f"{files} files, {problems} problems, {len(findings) - problems} warnings")


def _print_json(findings: list[Finding], files: int) -> None:
    lists = {
        name: [{"file": one.file, **one.problem._asdict()} for one in findings if one.is_problem is is_problem]
        for name, is_problem in (("problems", True), ("warnings", False))
    }
    line(json.dumps({"files": files, **lists}, ensure_ascii=False))
