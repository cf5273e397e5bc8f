"""The Lua scripts of the meters, and what their keys are called.

Every key begins with PREFIX, and no script reaches beyond it. Its braces are the hash tag of Redis Cluster: all keys of
one gateway lie in one slot, so that a call can name any of them (docs/decisions/0011).
"""

from hashlib import sha1
from pathlib import Path
from typing import Final

PREFIX: Final = b"{propylon}:"
HEAD: Final = PREFIX + b"head"
WINDOW: Final = PREFIX + b"window:"
QUOTA: Final = PREFIX + b"quota:"
USAGE: Final = PREFIX + b"usage"
USAGE_LINES: Final = PREFIX + b"usage:lines"
USAGE_SAID: Final = PREFIX + b"usage:said:"
KEY_SETS_EPOCH: Final = PREFIX + b"key-sets:epoch"
KEY_SET_SOURCES: Final = PREFIX + b"key-sets:sources"
KEY_SET: Final = PREFIX + b"key-set:"
LEASE: Final = PREFIX + b"lease:"
NAME: Final = PREFIX + b"name:"
NODES: Final = PREFIX + b"nodes"
PROCESSES: Final = PREFIX + b"processes"
PROCESSES_SAID: Final = PREFIX + b"processes:said"

# Refused by a server that takes no writes, even where the script would only read: what such a server knows grows stale.
_WRITES: Final = "#!lua\n"
# Runs although memory is full; only for scripts that then write nothing but what is there already.
_WHEN_FULL: Final = "#!lua flags=allow-oom\n"


class Script:
    """One script by its text, and by the name under which a server that has seen it knows it."""

    def __init__(self, text: str) -> None:
        self.text = text.encode()
        self.sha = sha1(self.text, usedforsecurity=False).hexdigest().encode()


def _text(name: str) -> str:
    return (Path(__file__).parent / "redis" / f"{name}.lua").read_text()


ADMIT: Final = Script(_WRITES + _text("admit"))
ADMIT_WHEN_FULL: Final = Script(_WHEN_FULL + _text("admit"))
ANNOUNCE: Final = Script(_text("announce"))
READ_QUOTA: Final = Script(_text("quota"))
RESTORE_QUOTAS: Final = Script(_text("restore_quotas"))
ENQUEUE_USAGE: Final = Script(_text("enqueue_usage"))
PEEK_USAGE: Final = Script(_text("peek_usage"))
DISCARD_USAGE: Final = Script(_text("discard_usage"))
PUT_KEY_SET: Final = Script(_text("put_key_set"))
PUT_KEY_SET_WHEN_FULL: Final = Script(_WHEN_FULL + _text("put_key_set"))
DROP_KEY_SET: Final = Script(_text("drop_key_set"))
FIND_KEY_SET_SOURCES: Final = Script(_text("key_set_sources"))
TAKE_LEASE: Final = Script(_text("take_lease"))
USE_NAME: Final = Script(_text("use_name"))
BEAT: Final = Script(_text("beat"))
HEARD: Final = Script(_text("heard"))
