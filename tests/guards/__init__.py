"""The guards that the invariants hang on: a patch takes each out, and a named test must notice."""
