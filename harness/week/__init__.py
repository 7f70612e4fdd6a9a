"""A week of a company that sells things, as `make run` and the screenshots show it.

The company is `examples/realistic.yaml`. Its week is played by the real functions on tables in this
process, by a clock that leaps; `python -m harness.week` carries what came of it into the
deployment of this machine, and nowhere else. No function is packaged with any of this.
"""
