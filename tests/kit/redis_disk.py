"""A Redis whose disk can be full: its log grows no further, and it refuses whatever would have to be written there."""

import resource
from pathlib import Path

from redis.exceptions import RedisError

from tests.kit.redis_server import RedisServer
from tests.kit.waiting import eventually

NAME = "test-of-the-disk"


class RedisOnDisk(RedisServer):
    """A limit on the size of files stands for the end of the disk; the server gets the same kind of error."""

    def __init__(self, folder: Path, *options: str) -> None:
        super().__init__(folder, *options)
        # Beyond the limit a process gets a signal that would end it; a shell can have it ignored by what it starts.
        self._command = ["sh", "-c", 'trap "" XFSZ; exec "$@"', "sh", *self._command]

    def fill_disk(self) -> None:
        """Returns once it refuses writes, which it notices at one that fails."""
        size_bytes = max(file.stat().st_size for file in self.folder.rglob("*.aof"))
        self._bound(size_bytes)
        eventually(lambda: not self._takes_writes())

    def free_disk(self) -> None:
        """Returns once it takes writes again."""
        self._bound(resource.RLIM_INFINITY)
        eventually(self._takes_writes)

    def _bound(self, size_bytes: int) -> None:
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size_bytes, resource.RLIM_INFINITY))

    def _takes_writes(self) -> bool:
        try:
            self.ask("SET", NAME, "x")
        except RedisError:
            return False
        return True
