"""CPU time and memory as the bench reads them, from a /proc made of files."""

from pathlib import Path

import pytest

from bench.cpu import TICKS_PER_S, Process, cpu_s, family, parse_pss_mib, parse_stat, read_processes, title
from bench.processes import NotRun


def stat_line(pid: int, parent: int, *, name: str = "nginx", ticks: tuple[int, int, int, int] = (0, 0, 0, 0)) -> str:
    """The fields of proc(5): 4 is the parent, 14 to 17 are utime, stime, cutime, cstime."""
    between = " ".join("9" for _ in range(5, 14))
    return f"{pid} ({name}) S {parent} {between} {' '.join(map(str, ticks))} 20 0 1 0 77\n"


def proc_of(folder: Path, *lines: str) -> Path:
    for line in lines:
        (folder / line.split()[0]).mkdir()
        (folder / line.split()[0] / "stat").write_text(line)
    return folder


def test_stat_sums_own_time_and_that_of_reaped_children() -> None:
    assert parse_stat(stat_line(7, 1, ticks=(1, 20, 300, 4000))) == Process(7, 1, 4321)


@pytest.mark.parametrize("name", ["two words", "a) S 99 (b", "()", ""])
def test_name_of_a_process_may_hold_anything(name: str) -> None:
    assert parse_stat(stat_line(7, 3, name=name)).parent == 3


def test_family_is_the_root_with_all_its_descendants() -> None:
    processes = [Process(1, 0, 0), Process(5, 4, 0), Process(2, 1, 0), Process(4, 2, 0), Process(3, 1, 0)]
    assert [member.pid for member in family(2, processes)] == [2, 4, 5]


def test_family_of_a_process_that_is_gone_is_empty() -> None:
    assert family(9, [Process(1, 0, 0)]) == []


def test_cpu_time_is_that_of_the_whole_family_in_seconds(tmp_path: Path) -> None:
    second = TICKS_PER_S
    proc = proc_of(
        tmp_path,
        stat_line(10, 1, ticks=(second, 0, second, 0)),
        stat_line(11, 10, ticks=(0, 2 * second, 0, 0)),
        stat_line(12, 1, ticks=(50 * second, 0, 0, 0)),
    )
    assert cpu_s(10, proc) == 4.0


def test_cpu_time_of_a_proxy_that_is_gone_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(NotRun, match="process 10 has ended"):
        cpu_s(10, tmp_path)


def test_process_that_ended_while_being_listed_is_left_out(tmp_path: Path) -> None:
    proc = proc_of(tmp_path, stat_line(10, 1))
    (proc / "11").mkdir()
    assert [process.pid for process in read_processes(proc)] == [10]


def test_what_is_not_a_process_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "meminfo").write_text("MemTotal: 1 kB\n")
    assert read_processes(tmp_path) == []


def test_proportional_set_size_comes_in_mib() -> None:
    assert parse_pss_mib("Rss:  99999 kB\nPss:  2048 kB\nPss_Dirty:  4096 kB\n") == 2.0


def test_title_joins_the_arguments(tmp_path: Path) -> None:
    (tmp_path / "10").mkdir()
    (tmp_path / "10" / "cmdline").write_bytes(b"propylon: worker\x000\x00")
    assert title(10, tmp_path) == "propylon: worker 0"
