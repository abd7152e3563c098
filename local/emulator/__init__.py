"""The emulator that the local run deploys to: ministack with the gaps mended that the template meets.

One module per gap. Each module's docstring names the symptom it mends, each has a `mend()` that is called once
before the emulator serves, and each has a test in `tests/local`.
"""
