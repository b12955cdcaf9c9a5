"""What must hold whatever happens to the computer: nothing lost, nothing half-written, the same result again.

`python Testing/trust/run.py --short` takes half a minute and is part of the tests; `--long` is `make trust`.
"""
