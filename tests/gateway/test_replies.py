"""Our own answers, as bytes."""

from propylon.gateway.replies import Dates
from tests.kit.clock import FakeClock


def test_the_date_of_an_answer_is_that_of_its_second() -> None:
    clock = FakeClock()
    clock.set_wall(784_111_777.0)  # the example of RFC 9110 §5.6.7
    dates = Dates(clock.wall)
    assert dates.now() == b"Sun, 06 Nov 1994 08:49:37 GMT"
    clock.set_wall(784_111_777.9)
    assert dates.now() == b"Sun, 06 Nov 1994 08:49:37 GMT"
    clock.set_wall(784_111_778.0)
    assert dates.now() == b"Sun, 06 Nov 1994 08:49:38 GMT"
