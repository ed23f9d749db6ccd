import numpy as np
import pytest

from vis2sound_jax.data.pipeline import make_stream
from vis2sound_jax.data.transforms import random_window
from vis2sound_jax.errors import UserError
from vis2sound_jax.prepare.sources import open_records


def numbered(item, rng):
    return {"item": np.int64(item), "draw": rng.integers(1 << 40)}


def batches(count, source=range(10), **options):
    stream = make_stream(source, numbered, **{"batch_size": 4, "seed": 7, **options})
    taken = [next(stream) for _ in range(count)]
    stream.close()
    return taken


@pytest.mark.parametrize("hosts", [2, 4])
def test_hosts_together_see_the_batches_of_one(hosts):
    alone, share = batches(6), 4 // hosts
    shared = [batches(6, rows=range(host * share, (host + 1) * share)) for host in range(hosts)]
    for step, batch in enumerate(alone):
        for name in ("item", "draw"):
            together = np.concatenate([host[step][name] for host in shared])
            np.testing.assert_array_equal(together, batch[name])


@pytest.mark.parametrize("rows", [range(4), range(2, 4), range(1, 2)])
def test_a_position_of_one_host_is_that_of_any_other(rows):
    expected = batches(7)[4:]
    first = make_stream(range(10), numbered, batch_size=4, seed=7)
    for _ in range(4):
        next(first)
    resumed = make_stream(range(10), numbered, batch_size=4, seed=7, rows=rows)
    resumed.set_state(first.get_state())
    for batch in expected:
        np.testing.assert_array_equal(next(resumed)["draw"], batch["draw"][rows])
    for stream in (first, resumed):
        stream.close()
    with pytest.raises(UserError, match="of an older version"):
        resumed.set_state({"next_index": 3})


def test_a_pass_holds_every_item_and_the_next_one_is_new():
    stream = np.concatenate([batch["item"] for batch in batches(5)])
    first, second = stream[:10], stream[10:20]
    assert sorted(first) == sorted(second) == list(range(10))
    assert list(first) != list(second) and len({d for b in batches(5) for d in b["draw"]}) == 20


def test_the_seed_decides_and_threads_do_not():
    draws = [np.concatenate([b["draw"] for b in batches(5, **o)]) for o in ({}, {"threads": 5}, {"seed": 8})]
    np.testing.assert_array_equal(draws[0], draws[1])
    assert not np.array_equal(draws[0], draws[2])


def test_resume_continues_exactly_on_any_number_of_cores(prepared):
    def transform(record, rng):
        cut = random_window(record, rng, 1.0)
        return {"frames": cut.frames, "wav": cut.wav}

    def start(threads):
        return make_stream(open_records(prepared, "train"), transform, batch_size=3, seed=0, threads=threads)

    stream = start(2)
    for _ in range(2):
        next(stream)
    state = stream.get_state()
    expected = [next(stream) for _ in range(3)]
    stream.close()
    resumed = start(5)
    resumed.set_state(state)
    for batch in expected:
        again = next(resumed)
        for name in batch:
            np.testing.assert_array_equal(again[name], batch[name])
    resumed.close()


def test_one_pass_in_order_keeps_the_rest():
    options = {"batch_size": 4, "seed": 0, "shuffle": False, "repeat": False}
    stream = make_stream(range(10), numbered, **options)
    assert [list(batch["item"]) for batch in stream] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    stream.close()


def test_shares_that_are_not_even_are_refused():
    with pytest.raises(ValueError, match=r"rows range\(3, 5\) are none of a batch of 4"):
        batches(1, rows=range(3, 5))
    with pytest.raises(ValueError, match="one pass over 9 items in batches of 4"):
        batches(1, source=range(9), rows=range(2), repeat=False)
    with pytest.raises(ValueError, match="holds no items"):
        batches(1, source=[])
