"""Measure what the SDK promises: ``python -m benchmarks.reliability``.

The emulator injects the faults of networks and servers into the calls of four clients, and compares
what each client reported with what was applied. ``contenders.py`` defines the four clients,
``run.py`` makes calls and classifies their outcomes, and ``faults.py`` goes through the faults.
``waits.py``, ``trust.py``, ``answers.py`` and ``hosts.py`` contain the other trials, which share
``bench.py``. ``promises.py`` lists the promises, and ``page.py`` writes ``docs/reliability.md``.
"""
