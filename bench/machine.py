"""Where and with what a run was made: the lines above its tables. Names no path and no host."""

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bench.processes import NotRun, demand

PROGRAMS = (("nginx", "-v"), ("haproxy", "-v"), ("wrk", "-v"))
PACKAGES = ("propylon", "uvloop", "httptools", "lmdb", "joserfc")


def machine_lines() -> list[str]:
    cores = len(os.sched_getaffinity(0))
    return [
        f"- Machine: {_processor()}, {cores} cores, Linux {platform.release()}",
        f"- Propylon: commit {_commit()}, CPython {platform.python_version()}, "
        + ", ".join(_package(name) for name in PACKAGES),
        "- Beside it: " + ", ".join(_program(name, flag) for name, flag in PROGRAMS),
    ]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _commit() -> str:
    root = Path(__file__).parent.parent
    head = _output(["git", "-C", str(root), "rev-parse", "--short", "HEAD"])
    if not head:
        return "none yet"
    return head + (" with changes" if _output(["git", "-C", str(root), "status", "--porcelain"]) else "")


def _package(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"{name} missing"


def _program(name: str, flag: str) -> str:
    """wrk answers its version with exit code 1, nginx on standard error."""
    try:
        done = subprocess.run([demand(name), flag], capture_output=True, text=True, timeout=10, check=False)
    except NotRun:
        return f"{name} missing"
    words = (done.stdout + done.stderr).replace("/", " ").split()
    return f"{name} " + next((word for word in words if any(char.isdigit() for char in word)), "of unknown version")


def _output(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    return done.stdout.strip() if done.returncode == 0 else ""
