"""Makes the secrets of a fleet, each in a file: python3 make_secrets.py FOLDER --postgres HOST --redis HOST.

The folder is its owner's alone; a file in it may be read by whoever is given it, such as a container that is not root.
"""

import argparse
import secrets
from pathlib import Path


def make_secrets(folder: Path, postgres: str, redis: str) -> None:
    """Six files. Raises FileExistsError if the folder is there: secrets that are in use must not be lost."""
    of_postgres, of_redis = secrets.token_hex(32), secrets.token_hex(32)
    texts = {
        "secret": secrets.token_hex(32),
        "root_secret": secrets.token_hex(32),
        "records_url": f"postgresql+asyncpg://propylon:{of_postgres}@{postgres}/propylon",
        "meters_url": f"redis://:{of_redis}@{redis}/0",
        "postgres_password": of_postgres,
        "redis_auth": f"requirepass {of_redis}",
    }
    folder.mkdir(parents=True, mode=0o700)
    for name, text in texts.items():
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o444)


def main() -> None:
    parser = argparse.ArgumentParser(description="Makes the secrets of a fleet, each in a file.")
    parser.add_argument("folder", type=Path, help="is made; outside of any repository")
    parser.add_argument("--postgres", required=True, metavar="HOST", help="host, or host:port, of PostgreSQL")
    parser.add_argument("--redis", required=True, metavar="HOST", help="host, or host:port, of Redis")
    given = parser.parse_args()
    try:
        make_secrets(given.folder, given.postgres, given.redis)
    except FileExistsError:
        parser.error(f"{given.folder} is there; its secrets may be in use, so name another folder")


if __name__ == "__main__":
    main()
