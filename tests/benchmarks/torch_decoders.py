"""Two decoders in torch with our decoder's weights, for `decode_benchmark.py`.

`Naive` is the architecture as the reference runs it (Du et al. 2023): for each code the whole sequence again.
`Cached` is GPT-2 of the same size out of `transformers`, with its key-value cache.
"""

from typing import Any

import torch
from transformers import GPT2Config, GPT2LMHeadModel

Weights = dict[str, Any]


def tensor(array: Any) -> torch.Tensor:
    """The array's own memory, not a copy."""
    return torch.from_dlpack(array) if hasattr(array, "__dlpack__") else torch.from_numpy(array)


def linear(x: torch.Tensor, weights: Weights) -> torch.Tensor:
    return torch.nn.functional.linear(x, weights["weight"], weights.get("bias"))


def norm(x: torch.Tensor, weights: Weights) -> torch.Tensor:
    return torch.nn.functional.layer_norm(x, x.shape[-1:], weights["scale"], weights["bias"], 1e-5)


class Naive:
    """All positions for every code; codes not yet known are zeros, which causality hides."""

    def __init__(self, weights: Weights, *, layers: int, heads: int) -> None:
        self.weights, self.layers, self.heads = weights, layers, heads

    @torch.no_grad()
    def decode(self, prefix: torch.Tensor, known: torch.Tensor, n_tokens: int, *, steps: int) -> torch.Tensor:
        """Greedy codes [b, steps] of a sequence that is `n_tokens` long beyond the known codes."""
        codes = torch.nn.functional.pad(known, (0, n_tokens))
        first = known.shape[1]
        for n in range(first, first + steps):
            logits = self._logits(prefix, codes[:, :-1])
            codes[:, n] = logits[:, prefix.shape[1] + n - 1].argmax(-1)
        return codes[:, first : first + steps]

    def _logits(self, prefix: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
        x = embedded(self.weights, prefix, codes)
        x = x + self.weights["pos_emb"][: x.shape[1]]
        for layer in range(self.layers):
            block = self.weights[f"blocks_{layer}"]
            x = x + self._attend(norm(x, block["ln1"]), block["attn"])
            inner = torch.nn.functional.gelu(linear(norm(x, block["ln2"]), block["mlp_in"]))
            x = x + linear(inner, block["mlp_out"])
        return linear(norm(x, self.weights["ln_f"]), self.weights["head"])

    def _attend(self, x: torch.Tensor, weights: Weights) -> torch.Tensor:
        b, t, d = x.shape
        q, k, v = (
            linear(x, weights[name]).view(b, t, self.heads, -1).transpose(1, 2) for name in ("query", "key", "value")
        )
        mixed = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        return linear(mixed.transpose(1, 2).reshape(b, t, d), weights["proj"])


class Cached:
    """GPT-2 with our weights; its matrices are stored `[in, out]`, so they are copied."""

    def __init__(self, weights: Weights, *, layers: int, heads: int) -> None:
        slots, width = weights["pos_emb"].shape
        sizes = {"vocab_size": len(weights["head"]["weight"]), "n_positions": slots, "n_embd": width}
        config = GPT2Config(
            **sizes, n_layer=layers, n_head=heads, activation_function="gelu", tie_word_embeddings=False
        )
        self.weights = weights
        self.net = GPT2LMHeadModel(config).eval()
        state = {
            "transformer.wte.weight": weights["tok_emb"]["embedding"],
            "transformer.wpe.weight": weights["pos_emb"],
        }
        state |= {"lm_head.weight": weights["head"]["weight"], **_norm_state("transformer.ln_f", weights["ln_f"])}
        for layer in range(layers):
            state |= _block_state(f"transformer.h.{layer}", weights[f"blocks_{layer}"])
        self.net.load_state_dict(state)

    @torch.no_grad()
    def decode(self, prefix: torch.Tensor, known: torch.Tensor, n_tokens: int, *, takes: int) -> torch.Tensor:
        """Greedy codes [takes, n_tokens] after one prefill for all takes."""
        out = self.net(inputs_embeds=embedded(self.weights, prefix, known), use_cache=True)
        cache = out.past_key_values
        cache.batch_repeat_interleave(takes)
        token = out.logits[:, -1:].argmax(-1).repeat_interleave(takes, 0)
        found = [token]
        for _ in range(n_tokens - 1):
            out = self.net(input_ids=token, past_key_values=cache, use_cache=True)
            token = out.logits[:, -1:].argmax(-1)
            found.append(token)
        return torch.cat(found, dim=1)


def embedded(weights: Weights, prefix: torch.Tensor, codes: torch.Tensor) -> torch.Tensor:
    """Prefix and codes in one sequence, without positions."""
    features = prefix @ weights["embedder"]["kernel"] + weights["embedder"]["bias"]
    return torch.cat([features, weights["tok_emb"]["embedding"][codes]], dim=1)


def _norm_state(name: str, weights: Weights) -> Weights:
    return {f"{name}.weight": weights["scale"], f"{name}.bias": weights["bias"]}


def _block_state(name: str, weights: Weights) -> Weights:
    attn = [weights["attn"][part] for part in ("query", "key", "value")]
    fused = {leaf: torch.cat([part[leaf] for part in attn]) for leaf in ("weight", "bias")}
    matrices = {"attn.c_attn": fused, "attn.c_proj": weights["attn"]["proj"]}
    matrices |= {"mlp.c_fc": weights["mlp_in"], "mlp.c_proj": weights["mlp_out"]}
    state = _norm_state(f"{name}.ln_1", weights["ln1"]) | _norm_state(f"{name}.ln_2", weights["ln2"])
    for part, leaves in matrices.items():
        state |= {f"{name}.{part}.weight": leaves["weight"].T, f"{name}.{part}.bias": leaves["bias"]}
    return state
