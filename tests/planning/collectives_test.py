"""Laws of reading a program's text: kinds, bytes, groups and rounds, by hand and of a program compiled here."""

from typing import Any

import jax
import jax.numpy as jnp
import pytest
from jax.sharding import Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

from vis2sound_jax.planning.collectives import axis_group, collectives, group_axes, totals
from vis2sound_jax.training.sharding import make_mesh

LOOPED = """HloModule jit_f, is_scheduled=true, num_partitions=8

%add (a: f32[], b: f32[]) -> f32[] {
  ROOT %sum = f32[] add(%a, %b)
}

%round (carry: (s32[], f32[4,8])) -> (s32[], f32[4,8]) {
  %part = f32[4,8]{1,0} get-tuple-element(%carry), index=1
  %all-reduce.1 = f32[4,8]{1,0} all-reduce(%part), channel_id=1, replica_groups=[2,4]<=[8], to_apply=%add
  ROOT %pair = (s32[], f32[4,8]) tuple(%k, %all-reduce.1)
}

%until (carry: (s32[], f32[4,8])) -> pred[] {
  ROOT %less = pred[] compare(%k, %n), direction=LT
}

ENTRY %main (x: f32[4,8]) -> f32[4,8] {
  %while.2 = (s32[], f32[4,8]) while(%x), condition=%until, body=%round, backend_config={"known_trip_count":{"n":"24"}}
  ROOT %out = f32[4,8]{1,0} get-tuple-element(%while.2), index=1
}
"""


def _one(instruction: str) -> str:
    return f"HloModule jit_f, num_partitions=8\n\nENTRY %main (x: f32[8]) -> f32[8] {{\n  {instruction}\n}}\n"


@pytest.mark.parametrize(
    ("instruction", "kind", "size", "group"),
    [
        # A gather's bytes are those of what it gives, a scatter's those of what it takes.
        (
            "%g = f32[8,16]{1,0} all-gather(%x), replica_groups={{0,2},{1,3},{4,6},{5,7}}, dimensions={0}",
            *("all-gather", 8 * 16 * 4, (0, 2)),
        ),
        (
            "%g = (bf16[2,16]{1,0}, bf16[16,16]{1,0}) all-gather-start(%x), replica_groups=[1,8]<=[8]",
            *("all-gather", 16 * 16 * 2, tuple(range(8))),
        ),
        (
            "%s = f32[2,16]{1,0} reduce-scatter(%x), replica_groups=[2,4]<=[2,2,2]T(2,0,1), to_apply=%add",
            *("reduce-scatter", 4 * 2 * 16 * 4, (0, 2, 4, 6)),
        ),
        (
            "ROOT %r = (f32[3]{0}, /*index=1*/pred[5]{0}) all-reduce-start(%x, %y), replica_groups={}, to_apply=%add",
            *("all-reduce", 3 * 4 + 5, tuple(range(8))),
        ),
        (
            "%p = (u8[6]{0}, u8[6]{0}, u32[], u32[]) collective-permute-start(%x), source_target_pairs={{0,3},{1,2}}",
            *("collective-permute", 6, (0, 3)),
        ),
        (
            "%a = (f32[4]{0}, f32[4]{0}) all-to-all(%x, %y), replica_groups={{0,1},{2,3},{4,5},{6,7}}",
            *("all-to-all", 2 * 4 * 4, (0, 1)),
        ),
    ],
)
def test_every_form_is_read(instruction: str, kind: str, size: int, group: tuple[int, ...]) -> None:
    (found,) = collectives(_one(instruction))
    assert (found.kind, found.bytes, found.group, found.count) == (kind, size, group, 1)


def test_loops_count_their_rounds() -> None:
    (found,) = collectives(LOOPED)
    assert (found.count, found.bytes, found.group) == (24, 4 * 8 * 4, (0, 1, 2, 3))
    assert totals([found, found]) == {"all-reduce": (48, 48 * 128)}
    # A ring of four sends 3/4 of the array twice.
    assert found.sent_bytes == 24 * 128 * 2 * 3 / 4


def test_what_stays_on_a_device_is_left_out() -> None:
    assert collectives(_one("%r = f32[8]{0} all-reduce(%x), replica_groups={{0},{1}}, to_apply=%add")) == []
    assert collectives(_one("%r = f32[8]{0} add(%all-reduce.1, %y)")) == []


def test_groups_tell_the_axes() -> None:
    axes = {"data": 2, "fsdp": 2, "model": 2}
    assert group_axes((0, 1), axes) == ("model",)
    assert group_axes((0, 2, 4, 6), axes) == ("data", "fsdp")
    assert group_axes(range(8), axes) == ("data", "fsdp", "model")
    for group in ((0, 1), (0, 2, 4, 6), (0, 4), tuple(range(8))):
        assert axis_group(group_axes(group, axes), axes) == group
    assert axis_group(("fsdp",), {"data": 4, "fsdp": 3, "model": 2}) == (0, 2, 4)


def _place(mesh: Mesh, shape: tuple[int, ...], *axes: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct(shape, jnp.float32, sharding=NamedSharding(mesh, P(*axes)))


def test_a_compiled_gradient_is_summed_over_the_examples() -> None:
    mesh, width, rounds = make_mesh({"data": 8}), 16, 3

    def gradient(weight: jax.Array, x: jax.Array) -> jax.Array:
        def loss(weight: jax.Array) -> jax.Array:
            return jax.lax.scan(lambda h, _: (jnp.tanh(h @ weight), None), x, length=rounds)[0].sum()

        return jax.grad(loss)(weight)

    function = jax.jit(gradient, out_shardings=NamedSharding(mesh, P()))
    program = function.lower(_place(mesh, (width, width)), _place(mesh, (8, width), "data")).compile()
    found = collectives(program.as_text())
    assert {(one.kind, one.group) for one in found} == {("all-reduce", tuple(range(8)))}
    # Once at the end, or in every round of the loop.
    assert sum(one.count * one.bytes for one in found) in (4 * width**2, rounds * 4 * width**2)


def test_a_compiled_pair_of_divided_products_is_summed_once() -> None:
    mesh = make_mesh({"data": 4, "model": 2})
    function = jax.jit(lambda x, up, down: x @ up @ down, out_shardings=NamedSharding(mesh, P("data")))
    shapes = _place(mesh, (8, 16), "data"), _place(mesh, (16, 32), None, "model"), _place(mesh, (32, 16), "model")
    (found,) = collectives(function.lower(*shapes).compile().as_text())
    # Each device holds the 2 examples of its place on `data`.
    assert (found.kind, found.bytes, found.count) == ("all-reduce", 4 * 2 * 16, 1)
    assert group_axes(found.group, dict(mesh.shape)) == ("model",)
