"""Imports point down; importing has no side door into what the data path must not know."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.structure.project import ROOT


def test_the_import_contracts_of_pyproject_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("module", ["propylon.workers", "propylon.gateway.handle", "propylon.snapshot.follow"])
def test_the_data_path_loads_neither_sql_toolkit_nor_web_framework_nor_tracing(module: str) -> None:
    heavy = "{'sqlalchemy', 'alembic', 'fastapi', 'starlette', 'uvicorn', 'aiosqlite', 'httpx', 'opentelemetry'}"
    code = f"import sys, {module}; print(*sorted({heavy} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.split() == []
