"""Answers that learners give to the exercises of notebook 00."""

import numpy as np
import torch


def class_by_class(p):
    """An array of NumPy, with a mask of torch as the place."""
    out, most = np.zeros(p.shape[1:], dtype=np.int64), p[0]
    for k in range(1, len(p)):
        more = p[k] > most
        out[more] = k
        most = torch.maximum(most, p[k])
    return out


WRONG = [
    ("0.1", "wrong axis", lambda p: p.argmax(dim=1), "one_class_per_pixel"),
    ("0.1", "no axis", lambda p: p.argmax(), "one_class_per_pixel"),
    ("0.1", "keeps the axis", lambda p: p.argmax(dim=0, keepdim=True), "one_class_per_pixel"),
    ("0.1", "value, not place", lambda p: p.max(dim=0).values, "whole_numbers"),
    ("0.1", "threshold", lambda p: p[-1] > 0.5, "whole_numbers"),
    ("0.1", "as float", lambda p: p.argmax(dim=0).float(), "whole_numbers"),
    ("0.1", "least probable", lambda p: p.argmin(dim=0), "most_probable_class"),
    ("0.1", "counted from one", lambda p: p.argmax(dim=0) + 1, "most_probable_class"),
    ("0.1", "last class against the rest", lambda p: (p[-1] > 0.5).long(), "most_probable_class"),
    ("0.1", "both results of max", lambda p: p.max(dim=0), "one_class_per_pixel"),
    ("0.1", "one-hot", lambda p: (p == p.amax(dim=0)).long(), "one_class_per_pixel"),
    ("0.1", "rounded", lambda p: p.round(), "one_class_per_pixel"),
    ("0.1", "argmax of the wrong axis, turned", lambda p: p.argmax(dim=2).T, "one_class_per_pixel"),
    ("0.1", "three classes only", lambda p: torch.where(p[1] > p[0], 1, 0).where(torch.maximum(p[0], p[1]) > p[2], 2)
     if len(p) > 2 else p.argmax(0), "most_probable_class"),
    ("0.1", "as bytes, so that the two best may be equal", lambda p: (p * 255).byte().argmax(dim=0),
     "most_probable_class"),
    ("0.1", "forgotten return", lambda p: None, "one_class_per_pixel"),
]
RIGHT = [
    ("0.1", "argmax", lambda p: p.argmax(0)),
    ("0.1", "max", lambda p: p.max(dim=0)[1]),
    ("0.1", "sort", lambda p: torch.argsort(p, dim=0)[-1]),
    ("0.1", "numpy inside", lambda probabilities: torch.from_numpy(np.argmax(probabilities.numpy(), axis=0))),
    ("0.1", "numpy", lambda p: p.numpy().argmax(axis=0)),
    ("0.1", "class by class in NumPy", class_by_class),
    ("0.1", "lists", lambda p: p.argmax(dim=0).tolist()),
    ("0.1", "small integers", lambda p: p.argmax(dim=0).to(torch.uint8)),
]
