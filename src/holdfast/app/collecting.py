"""Python's garbage collector, in a process that lives long."""

import gc

GC_THRESHOLDS = (20_000, 20, 50)


def rest_the_collector() -> None:
    """When all is loaded: what is there stays and is not looked at again, and the young are looked
    at seldom.

    A call leaves no circles behind (its parts let go of each other when it ends), so the collector
    finds nothing; at its usual pace the looking costs a worker 4 us a call.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)
    gc.enable()
