# %% exr-graphs-whole: torch.cond, both branches in the graph and one of them run
import torch


def choose_whole(x):
    return torch.cond(x.sum() > 0, lambda x: x.relu(), lambda x: -x, (x,))


# %% exr-graphs-whole: index the two results, stacked, by the truth value
import torch


def choose_whole(x):
    both = torch.stack([-x, torch.clamp(x, min=0)])
    return both.index_select(0, (x.sum() > 0).long().reshape(1)).squeeze(0)


# %% exr-graphs-whole: fill the branch that isn't wanted, then add
def choose_whole(x):
    positive = x.sum() > 0
    up = x.relu().masked_fill(~positive, 0)
    return up + (-x).masked_fill(positive, 0)


# %% exr-graphs-merge: compare each node with those before it, without a dictionary
def merge_duplicates(traced, never=()):
    kept = []
    for node in list(traced.graph.nodes):
        if node.op not in {"call_function", "call_method"}:
            continue
        if any(node.target == name for name in never):
            continue
        for earlier in kept:
            same = node.target == earlier.target
            same = same and str(node.args) == str(earlier.args)
            if same and str(node.kwargs) == str(earlier.kwargs):
                node.replace_all_uses_with(earlier)
                traced.graph.erase_node(node)
                break
        else:
            kept.append(node)
    traced.recompile()
    return traced


# %% exr-graphs-merge: again and again, until nothing is left to merge
def merge_duplicates(traced, never=()):
    def once():
        first = {}
        for node in traced.graph.nodes:
            if node.op.startswith("call") and node.op != "call_module":
                key = f"{node.op} {node.target} {node.args} {node.kwargs}"
                if node.target in never:
                    continue
                if key in first:
                    node.replace_all_uses_with(first[key])
                    traced.graph.erase_node(node)
                    return True
                first[key] = node
        return False

    while once():
        pass
    traced.recompile()
    return traced


# %% exr-graphs-export: a copy is put in evaluation mode, the model isn't touched
import copy

import torch


def ship(model, example):
    batch = torch.export.Dim("batch")
    twin = copy.deepcopy(model).eval()
    return torch.export.export(twin, (example,), dynamic_shapes=[{0: batch}])


# %% exr-graphs-export: a context manager, and Dim.AUTO for the batch
import contextlib

import torch


@contextlib.contextmanager
def evaluating(model):
    training = [m for m in model.modules() if m.training]
    try:
        yield model.eval()
    finally:
        for m in training:
            m.training = True


def ship(model, example):
    sizes = {0: torch.export.Dim.AUTO}
    with evaluating(model):
        return torch.export.export(model, (example,), dynamic_shapes=(sizes,))
