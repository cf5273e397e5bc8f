"""The files that pages refer to: ours, and those that `make assets` copied from the npm registry. Read once."""

import hashlib
import logging
from pathlib import Path
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

log = logging.getLogger("propylon.dashboard")
HERE: Final = Path(__file__).parent
OURS: Final = HERE / "static"
COPIED: Final = HERE / "assets"
TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
FOR_A_YEAR: Final = "public, max-age=31536000, immutable"
WITHOUT: Final = (
    "the dashboard runs without %s, which make assets would fetch: its pages work, and nothing moves by itself"
)
EXPECTED: Final = ("htmx.min.js", "uPlot.iife.min.js", "uPlot.min.css", "inter.woff2")


class OwnFile(NamedTuple):
    content: bytes
    media_type: str
    version: str  # changes with the content


class OwnFiles:
    """One per application."""

    def __init__(self, *folders: Path) -> None:
        paths = [path for folder in folders if folder.is_dir() for path in sorted(folder.iterdir())]
        self._files = {path.name: _read(path) for path in paths if path.suffix in TYPES}

    def __contains__(self, name: str) -> bool:
        return name in self._files

    def url(self, name: str) -> str:
        return f"/static/{name}?v={self._files[name].version}"

    async def answer(self, request: Request) -> Response:
        """By its version a file is kept for a year; without, it is asked for again."""
        file = self._files.get(request.path_params["name"])
        if file is None:
            return Response("There is no such file\n", 404, media_type="text/plain")
        is_named = request.query_params.get("v") == file.version
        return Response(
            file.content, headers={"Cache-Control": FOR_A_YEAR if is_named else "no-cache"}, media_type=file.media_type
        )


def open_own_files(*folders: Path) -> OwnFiles:
    """Ours and the copied ones, by default. What is missing is said once: the pages do without."""
    files = OwnFiles(*(folders or (OURS, COPIED)))
    if missing := [name for name in EXPECTED if name not in files]:
        log.warning(WITHOUT, ", ".join(missing))
    return files


def _read(path: Path) -> OwnFile:
    content = path.read_bytes()
    return OwnFile(content, TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12])
