"""What may be tried, where, when and how often: pure state machines for calls that meet trouble.

Promises: no machine reads a clock, draws chance or waits; time (seconds of the monotonic clock) and
chance (a number in [0, 1)) are arguments. Every one is bounded in memory and in time per call.
"""
