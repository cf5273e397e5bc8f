"""Sockets that listen: each answer goes out as it is written."""

import asyncio
import errno
import os
import socket

import pytest

from propylon.listening import bind


async def accepted_without_delay(listening: socket.socket, host: str) -> bool:
    """Whether Nagle's algorithm is off for a connection that asyncio accepts."""
    seen: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    async def accept(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        accepted = writer.get_extra_info("socket")
        seen.set_result(bool(accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)))
        writer.close()

    async with await asyncio.start_server(accept, sock=listening):
        _, writer = await asyncio.open_connection(host, listening.getsockname()[1])
        without_delay = await seen
        writer.close()
    return without_delay


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_what_is_written_is_sent_before_the_client_acknowledges_what_was_before(host: str) -> None:
    assert asyncio.run(accepted_without_delay(bind(host, 0, shared=False), host))


def test_an_address_is_shared_by_those_alone_who_all_say_so() -> None:
    with bind("127.0.0.1", 0, shared=True) as one:
        port = one.getsockname()[1]
        bind("127.0.0.1", port, shared=True).close()
        with pytest.raises(OSError, match=os.strerror(errno.EADDRINUSE)):
            bind("127.0.0.1", port, shared=False)
