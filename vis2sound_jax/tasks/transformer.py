"""The transformer over codes: example first, then target, each target code predicted from all before it."""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax
from jax.sharding import PartitionSpec
from jaxtyping import PRNGKeyArray

from vis2sound_jax.models.conditioning import CONDITION, hide, sequence_inputs
from vis2sound_jax.models.transformer import Transformer
from vis2sound_jax.training.optim import adamw, apply_gradients, gradients_in_parts, warmup_cosine
from vis2sound_jax.training.tables import FSDP, Fsdp, Table
from vis2sound_jax.training.task import Metrics, TrainState

WARMUP_STEPS = 60
LINEAR = (r"weight$",)
DECAYED = (*LINEAR, r"(embedder|aligned_embedder|style_embedder)/kernel$")
SHARDING: Table = (
    # Few heads and little work: along `model` every device copies.
    (r"copy_head/", Fsdp()),
    # Not by fsdp as well: examples look codes up, and the table would be gathered for them.
    (r"tok_emb/embedding$", PartitionSpec("model")),
    (r"(query|key|value|mlp_in|head)/weight$", PartitionSpec("model", "fsdp")),
    (r"(query|key|value|mlp_in)/bias$", PartitionSpec("model")),
    (r"(proj|mlp_out)/weight$", PartitionSpec("fsdp", "model")),
    *FSDP,
)
"""Tensor parallelism of Shoeybi et al. 2019: heads, the inside of the MLP and the vocabulary by `model`."""


@dataclasses.dataclass(frozen=True)
class TransformerTask:
    """Cross-entropy of the target's codes (Du et al. 2023, section 3.3), in nats a code.

    Batches hold `condition` and `target` int32 [b, n] tokens, and for the way to condition:
    `condition_video` and `target_video` float32 [b, n or p, g] and `style` float32 [b, e] (aligned only).

    A share of examples has its condition hidden, half of them the film too: its tokens become the mask
    token `net.vocab - 1`, its features zero. Half as many again lose the example's film alone, as a bare sound
    has none. One network then also serves as the no-condition row and as the base of guidance.

    Attributes:
      net: the transformer.
      conditioning: "aligned" or "prefix".
      steps: updates of the schedule.
      learning_rate: its peak.
      weight_decay: of the matrices.
      drop_condition: share of examples with a hidden condition.
      condition_weight: weight of the loss on the example's own codes; the paper has none.
      rows: rows of the code grid.
      book: codes of one row's own book; 0 where rows share one.
      maskable: whether the last token of the network is the mask token.
      conditioned: False hides every condition, in training and in tests: the ablation without one, which needs a mask
        token. The paper leaves these positions out; here they are all alike, so that lengths stay.
      compat: the published optimizer: a constant learning rate, no clipping, and only linear maps decay.
      accumulate: parts of a batch whose gradients are computed one after the other, to save memory.
    """

    net: Transformer
    conditioning: str
    steps: int
    learning_rate: float
    weight_decay: float = 0.01
    drop_condition: float = 0.0
    condition_weight: float = 0.0
    rows: int = 5
    book: int = 0
    maskable: bool = True
    conditioned: bool = True
    compat: bool = False
    accumulate: int = 1
    sharding_rules: Table = SHARDING

    @functools.cached_property
    def optimizer(self) -> optax.GradientTransformation:
        """AdamW with a warm-up and a cosine to 5 %; only matrices decay."""
        if self.compat:
            return adamw(self.learning_rate, b1=0.9, b2=0.95, weight_decay=self.weight_decay, decay=LINEAR)
        warmup = min(WARMUP_STEPS, self.steps // 4)
        schedule = warmup_cosine(self.learning_rate, warmup_steps=warmup, total_steps=self.steps, final_fraction=0.05)
        return adamw(schedule, b1=0.9, b2=0.95, weight_decay=self.weight_decay, decay=DECAYED, clip_norm=1.0)

    def init(self, key: PRNGKeyArray, batch: Mapping[str, Any]) -> TrainState:
        """Builds the state at step 0.

        Args:
          key: random key.
          batch: one batch; only its shapes matter.
        """
        inputs = self.inputs(jax.tree.map(lambda leaf: leaf[:1], dict(batch)))
        params = self.net.init(key, **inputs)["params"]
        return TrainState(jnp.int32(0), params, self.optimizer.init(params), {})

    def train_step(
        self, state: TrainState, batch: Mapping[str, Any], frozen: Any, key: PRNGKeyArray
    ) -> tuple[TrainState, Metrics]:
        """Makes one update.

        Args:
          state: the state so far.
          batch: as the class says.
          frozen: not used.
          key: random key of which conditions are hidden.
        """
        batch = self.hide_some(batch, key)

        def loss(params: Any, part: Mapping[str, Any], key: jax.Array) -> tuple[jax.Array, Metrics]:
            del key  # what is random was drawn for the whole batch
            metrics = self.metrics(params, part)
            return metrics.sums["loss"] / metrics.counts["loss"], metrics

        gradients, metrics = gradients_in_parts(loss, state.params, batch, key, self.accumulate)
        return apply_gradients(state, gradients, self.optimizer), metrics

    def eval_step(self, state: TrainState, batch: Mapping[str, Any], frozen: Any) -> Metrics:
        """Measures one batch with its condition, with another example's and with none.

        Args:
          state: the state to measure.
          batch: as the class says.
          frozen: not used.
        """
        return self.compare(state.params, batch)

    def compare(self, params: Any, batch: Mapping[str, Any]) -> Metrics:
        """Measures cross-entropy with the right condition, another example's and, if that was trained, none.

        Args:
          params: of the network.
          batch: as the class says.

        Returns:
          `nats_matched`, `nats_shuffled` and `nats_none`, of these the ones that make sense for the network.
        """
        batch = dict(batch)
        rows: dict[str, Mapping[str, Any]] = {}
        if self.conditioned:
            others = {name: jnp.roll(value, 1, axis=0) for name, value in batch.items() if name in CONDITION}
            rows = {"matched": batch, "shuffled": {**batch, **others}}
        if self.maskable:
            rows["none"] = self._hide(batch, jnp.ones(batch["target"].shape[0], bool), film=False)
        found = {name: self.metrics(params, row) for name, row in rows.items()}
        return Metrics.from_sums(
            **{f"nats_{name}": (row.sums["nats"], row.counts["nats"]) for name, row in found.items()}
        )

    def cross_entropy(self, params: Any, batch: Mapping[str, Any]) -> dict[str, float]:
        """Measures what `eval_step` does for given parameters.

        Args:
          params: of the network.
          batch: as the class says.

        Returns:
          Name → nats a code.
        """
        state = TrainState(jnp.int32(0), params, {}, {})
        return jax.jit(self.eval_step)(state, dict(batch), None).means()

    def hide_some(self, batch: Mapping[str, Any], key: PRNGKeyArray) -> Mapping[str, Any]:
        """Hides the condition of a share of the examples.

        Args:
          batch: as the class says.
          key: random key of the choice.

        Returns:
          The batch with mask tokens and zero features where something is hidden.
        """
        if not self.drop_condition:
            return batch
        draw = jax.random.uniform(key, (batch["target"].shape[0],))
        # A bare sound as the example has no film of its own.
        deaf = (draw >= self.drop_condition) & (draw < 1.5 * self.drop_condition)
        blank = deaf.reshape((-1,) + (1,) * (batch["condition_video"].ndim - 1))
        batch = {**batch, "condition_video": jnp.where(blank, 0.0, batch["condition_video"])}
        batch = self._hide(batch, draw < self.drop_condition, film=False)
        return self._hide(batch, draw < self.drop_condition / 2, film=True)

    def _hide(self, batch: Mapping[str, Any], which: jax.Array, *, film: bool) -> dict[str, Any]:
        return hide(batch, which, mask_token=self.net.vocab - 1, film=film)

    def inputs(self, batch: Mapping[str, Any]) -> dict[str, Any]:
        """Lays a batch out as the arguments of the network."""
        return sequence_inputs(batch, prefix=self.conditioning == "prefix")

    def metrics(self, params: Any, batch: Mapping[str, Any]) -> Metrics:
        """Measures a batch; `loss` is what training lowers.

        Args:
          params: of the network.
          batch: as the class says.
        """
        n = batch["target"].shape[1]
        if not self.conditioned:
            batch = self._hide(batch, jnp.ones(len(batch["target"]), bool), film=False)
        logits, first = self._logits(params, batch)
        target, labels = batch["target"] - first[-n:], batch["condition"][:, 1:]
        nats = optax.softmax_cross_entropy_with_integer_labels(logits[:, -n:], target)
        total, count = nats.sum(), nats.size
        if self.condition_weight:
            shown = labels != self.net.vocab - 1
            # The mask token is none of a row's codes; what stands in its place is not counted.
            labels = jnp.where(shown, labels - first[: n - 1], 0)
            before = optax.softmax_cross_entropy_with_integer_labels(logits[:, : n - 1], labels)
            share = jnp.where(shown, before, 0.0).sum() / jnp.maximum(shown.sum(), 1)
            total = total + self.condition_weight * share * count
        correct = (logits[:, -n:].argmax(-1) == target).sum()
        return Metrics.from_sums(loss=(total, count), nats=(nats.sum(), count), accuracy=(correct, count))

    def _logits(self, params: Any, batch: Mapping[str, Any]) -> tuple[jax.Array, jax.Array]:
        """Logits [b, 2n - 1, c] of what follows each code, and the token [2n - 1] that logit 0 stands for."""
        n, inputs = batch["target"].shape[1], self.inputs(batch)
        if not self.book:
            logits = self.net.apply({"params": params}, **inputs)[:, -2 * n + 1 :]
            return logits, jnp.zeros(2 * n - 1, jnp.int32)
        # A row has its own codes: the others' need not be learned to be unlikely.
        logits = self.net.apply({"params": params}, **inputs, rows=self.rows, book=self.book, method="by_row")
        return logits, jnp.arange(1, 2 * n) % self.rows * self.book
