import socket

from tests.kit.ports import PORTS, free_port, stretch


def test_no_port_is_given_twice() -> None:
    given = [free_port() for _ in range(500)]
    assert len(set(given)) == len(given)


def test_processes_of_one_run_share_no_port() -> None:
    stretches = [stretch(f"gw{number}", 3) for number in range(3)]
    assert len({port for ports in stretches for port in ports}) == sum(map(len, stretches))
    assert all(port in PORTS for ports in stretches for port in ports)


def test_a_port_in_use_is_passed_by() -> None:
    with socket.socket() as taken:
        following = free_port() + 1
        taken.bind(("127.0.0.1", following))
        taken.listen()
        assert free_port() != following
