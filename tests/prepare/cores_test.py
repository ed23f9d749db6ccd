"""Laws of counting cores: those this process may use, also where the system does not say."""

import os

from vis2sound_jax.prepare import cores


def test_a_limit_on_the_process_is_respected(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5}, raising=False)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    assert cores.usable_cores() == 2


def test_systems_without_limits_count_all_cores_and_at_least_one(monkeypatch):
    monkeypatch.delattr(os, "sched_getaffinity", raising=False)
    for counted, usable in ((6, 6), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda counted=counted: counted)
        assert cores.usable_cores() == usable
