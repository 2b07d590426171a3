# Generated from chapters/zh/09-graphs.qmd: edit there.
# Checksum 66f8441b7823: a change made here is refused, not lost.
# %% exr-graphs-count
def count_by_hand() -> dict[str, int]:
    """Return how many graphs there are after each of the calls.

    The keys are "ones", "again", "minus" and "longer".
    """
    return {"ones": 2, "again": 2, "minus": 3, "longer": 5}


# %% exr-graphs-traffic
def traffic_by_hand() -> dict[str, float]:
    """Return "apart" and "fused", in units of n.

    "share" is (3), a number below 1.
    """
    return {"apart": 8, "fused": 4, "share": 0.1}


# %% exr-graphs-whole
import torch


def choose_whole(x: torch.Tensor) -> torch.Tensor:
    """Return x.relu() if the sum of all of x is positive, else -x.

    x has any shape and any dtype of real numbers, and is left as it
    was. Written so that torch.compile captures it in one graph.
    """
    return torch.where(x.sum() > 0, x.relu(), -x)


# %% exr-graphs-export
import torch
from torch import nn


def ship(
    model: nn.Module, example: torch.Tensor
) -> torch.export.ExportedProgram:
    """Export model for predicting, its first size left open.

    example has shape (B, ...), with B from 2 up. What comes out has
    model in evaluation mode. Afterwards every module of model is in
    the mode that it was in before, also where export fails.
    """
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        return torch.export.export(
            model,
            (example,),
            dynamic_shapes=({0: torch.export.Dim("batch")},),
        )
    finally:
        for module, training in modes:
            module.training = training


# %% exr-graphs-merge
from collections.abc import Collection

from torch.fx import GraphModule


def merge_duplicates(
    traced: GraphModule, never: Collection[object] = ()
) -> GraphModule:
    """Compute equal expressions of traced once; return traced.

    Two calls of functions or methods are equal if they have the same
    target, args and kwargs. Those whose target is in never are left
    alone, and so is every call of a module. The names of the nodes
    that stay, and their order, don't change.
    """
    first = {}
    for node in list(traced.graph.nodes):
        if node.op not in ("call_function", "call_method"):
            continue
        if node.target in never:
            continue
        key = node.target, repr(node.args), repr(node.kwargs)
        if key in first:
            node.replace_all_uses_with(first[key])
            traced.graph.erase_node(node)
        else:
            first[key] = node
    traced.recompile()
    return traced
