"""A clock that jumps by up to a day, forwards and backwards: Python imports this first where it is on the path."""

import os
import random
import time

_true, _random = time.time, random.Random(int(os.environ.get("FAULTS_CLOCK_SEED", "0")))


def _jumping() -> float:
    return _true() + _random.uniform(-86_400.0, 86_400.0)


time.time = _jumping
