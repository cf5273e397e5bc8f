"""The one place that makes tasks: named, referenced until done, a failure of theirs logged once."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger("propylon.tasks")
_running: set["asyncio.Task[Any]"] = set()


def spawn(coroutine: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
    """Runs a coroutine in the background of the running loop."""
    task = asyncio.get_running_loop().create_task(coroutine, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: "asyncio.Task[Any]") -> None:
    _running.discard(task)
    if not task.cancelled() and (bug := task.exception()) is not None:
        log.error("task %s ended with a bug", task.get_name(), exc_info=bug)
