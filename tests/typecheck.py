"""The run-time type checker of the tests."""

from beartype import BeartypeConf, beartype

# An int is a float to mypy and to every reader (PEP 484); beartype has to be told.
check = beartype(conf=BeartypeConf(is_pep484_tower=True))
