"""A command that gives a secret: what it prints, and why it gives none."""

import shlex
import sys
from pathlib import Path

import pytest

from propylon.stores.secret_command import SAID_MAX, CommandFailed, output_of
from tests.kit.waiting import eventually


def python(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def failure(command: str) -> str:
    with pytest.raises(CommandFailed) as caught:
        output_of(command)
    return str(caught.value)


def test_a_command_s_output_is_the_secret() -> None:
    assert output_of(python("print('hush')")) == "hush\n"


def test_words_may_be_quoted_and_no_shell_reads_them() -> None:
    assert output_of(f"{sys.executable} -c 'import sys; print(sys.argv[1:])' '$HOME' '|' \"a b\"") == (
        "['$HOME', '|', 'a b']\n"
    )


def test_what_it_writes_on_standard_error_is_no_part_of_it() -> None:
    assert output_of(python("import sys; print('hush'); print('a warning', file=sys.stderr)")) == "hush\n"


def test_it_has_no_standard_input_to_wait_for() -> None:
    assert output_of(python("import sys; print(sys.stdin.read() == '')")) == "True\n"


def test_a_failure_is_told_with_its_exit_code_and_the_first_line_and_nothing_of_its_output() -> None:
    code = "import sys; print('hush'); print('no such path\\nsecond line', file=sys.stderr); sys.exit(3)"
    assert failure(python(code)) == "ended with exit code 3: no such path"


def test_a_long_line_is_cut() -> None:
    why = failure(python("import sys; sys.exit('x' * 10_000)"))
    assert why == f"ended with exit code 1: {'x' * SAID_MAX}"


def test_a_silent_failure_is_said_to_be_one() -> None:
    assert failure(python("import sys; sys.exit(4)")) == "ended with exit code 4: it wrote nothing on standard error"


def test_a_program_that_is_not_there_is_named_by_its_setting_alone(tmp_path: Path) -> None:
    assert failure(f"{tmp_path / 'vault'} read") == "cannot be run: No such file or directory; correct it"


def test_what_is_no_text_is_refused() -> None:
    assert failure(python("import os; os.write(1, bytes([0xff]))")) == "does not write UTF-8 text"


def test_a_command_that_does_not_end_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    child = tmp_path / "child"
    started = f"sleep 600 & echo $! > {shlex.quote(str(child))}; wait"
    with pytest.raises(CommandFailed, match=r"did not end within 1 s; run it by hand to see why"):
        output_of(shlex.join(["sh", "-c", started]), within_s=1.0)
    eventually(lambda: not is_running(int(child.read_text())))  # the kernel ends it when it comes to it


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False
