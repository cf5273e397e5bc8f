"""Python's garbage collector in a process that serves: as little of it as its exchanges need."""

import gc


def spare_the_collector() -> None:
    """What is there now stays: it is not looked at again. An exchange makes few cycles, so passes may be rare."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
