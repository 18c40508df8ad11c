"""What each promise of the SDK is worth in figures: ``python -m benchmarks.reliability``.

The emulator does to each of four clients what networks and servers do, and counts what came, what
was carried out, and what each client said of it. The parts: contenders.py has the four clients;
run.py makes calls and tells what became of each; faults.py goes through the faults; waits.py,
trust.py, answers.py and hosts.py try what takes another form, on what bench.py gives them;
promises.py is the list; page.py writes docs/reliability.md.
"""
