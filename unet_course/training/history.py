"""What happened in a training: its losses, and its scores on the validation data. (06)"""

from dataclasses import dataclass, field

import torch

from unet_course.inference.prediction import predict
from unet_course.metrics.pixels import class_dice, confusion_matrix, mean_dice
from unet_course.training.distributed import added_up, rank, size


@dataclass
class History:
    """What happened in a training, step by step.

    Attributes
    ----------
    loss : list of float
        Training loss of each step.
    val_steps : list of int
        Steps after which the validation data were scored.
    val_dice : list of float
        Foreground Dice (every class but 0) on the validation data, one for each of `val_steps`.
    bf16 : bool
        Whether the forward pass ran in bfloat16.
    val_class_dice : list of list of float
        The same for each class by itself, 0 included; None where a class is neither drawn nor
        predicted.
    val_predicted, val_true : list of list of float
        The share of the pixels that the network gives to each class, and the share that is drawn
        so.
    """

    loss: list = field(default_factory=list)
    val_steps: list = field(default_factory=list)
    val_dice: list = field(default_factory=list)
    bf16: bool = False
    val_class_dice: list = field(default_factory=list)
    val_predicted: list = field(default_factory=list)
    val_true: list = field(default_factory=list)

    def add_scores(self, step, matrix):
        """Keep what a confusion matrix says of the validation data after a step."""
        self.val_steps.append(step)
        self.val_dice.append(foreground_of(matrix))
        self.val_class_dice.append(class_dice(matrix))
        self.val_predicted.append((matrix.sum(dim=0).double() / matrix.sum()).tolist())
        self.val_true.append((matrix.sum(dim=1).double() / matrix.sum()).tolist())

    def headline(self):
        """The last validation score in words: with three classes or more the mean over them.

        Examples
        --------
        >>> history = History()
        >>> history.add_scores(9, torch.tensor([[90, 1, 0], [1, 3, 0], [1, 0, 4]]))
        >>> history.headline()
        'Dice 0.819 (mean over classes 1 to 2)'
        """
        if not self.val_dice:
            return "Dice –"
        return headline(self.val_dice[-1], self.val_class_dice[-1:] and self.val_class_dice[-1])


def headline(foreground, of_classes):
    """A score in words: Dice of the foreground; with three classes or more the mean over classes.

    Examples
    --------
    >>> headline(0.922, [0.9, 0.06, 0.0, None])
    'Dice 0.030 (mean over classes 1 to 3)'
    """
    if len(of_classes) < 3:
        return f"Dice {foreground:.3f}"
    return f"Dice {mean_dice(of_classes):.3f} (mean over classes 1 to {len(of_classes) - 1})"


def foreground_dice(model, images, masks):
    """Dice of "any class but background", counted over all pixels of a set of pictures together.

    Parameters
    ----------
    model : Module
    images : Tensor (N, C, H, W), or sequence of Tensor (C, H, W)
    masks : Tensor (N, H, W), or sequence of Tensor (H, W)

    Returns
    -------
    float
    """
    return foreground_of(confusion(model, list(zip(images, masks, strict=True)), alone=True))


def confusion(model, pictures, alone=False):
    """Pixels of each class that get each class, over (image, mask) pairs, one after the other.

    Returns
    -------
    Tensor of int64, shape (classes, classes)
        Rows are what is drawn, columns what is predicted. Several processes share the pictures,
        unless `alone`.
    """
    first, every = (0, 1) if alone else (rank(), size())
    total = 0
    # one without a share learns the number of classes
    for index in range(first, len(pictures), every) or [0]:
        image, mask, *_ = pictures[index]
        scores = predict(model, image)  # (classes, H, W)
        counts = confusion_matrix(scores.argmax(dim=0), mask, len(scores))
        total = total + counts * (index % every == first)
    return total if alone else torch.tensor(added_up(*total.ravel().tolist())).reshape(total.shape)


def foreground_of(matrix):
    """Foreground Dice of a confusion matrix."""
    hits, areas = matrix[1:, 1:].sum(), matrix[1:].sum() + matrix[:, 1:].sum()
    # nothing was missed and nothing was invented where there is none
    return 2 * int(hits) / int(areas) if areas else 1.0
