"""The model card, and the text of a survey: what is known of a network, and of a folder. (13)"""

from unet_course.data.mask_kinds import OUTPUTS, class_name, shown
from unet_course.tracing import parameter_count

SHOWN = 12  # lines of one kind of problem; the rest is counted


def report(survey):
    """A survey in words: what was found, what it means, what to mend, and what to write next.

    Parameters
    ----------
    survey : Survey

    Returns
    -------
    str
    """
    pictures = f"{survey.pages} pictures" if survey.pages != 1 else "1 picture"
    lines = [f"{survey.pairs} {'pairs' if survey.pairs != 1 else 'pair'} of image and mask, {pictures} that can be used"]
    if survey.sizes:
        low, high = (f"{value:.6g}" for value in survey.range)
        lines += ["", "Images",
                  f"  size       {_frequent(survey.sizes, lambda size: f'{size[0]}×{size[1]}')} (height×width)",
                  f"  type       {_frequent(survey.dtypes)}; values {low} to {high}",
                  f"  channels   {_frequent(survey.channels)}"]
    if survey.values:
        lines += ["", "Masks",
                  f"  type       {_frequent(survey.mask_dtypes)}",
                  f"  numbers    {shown(survey.values)}",
                  f"  kind       {survey.kind}: {survey.reason}",
                  f"  classes    {survey.num_classes}"]
        lines += [f"    {value}  {class_name(survey.kind, value):<12}{share:7.2%}"
                  for value, share in list(survey.balance.items())[:SHOWN]]
        if survey.objects:
            lines.append(f"  objects    {sum(survey.objects)}, {min(survey.objects)} to {max(survey.objects)} in a mask, "
                         f"typically {survey.diameter:.0f} pixels across")
    lines += _listed("To mend before training", survey.blocking) + _listed("Worth a look", survey.remarks)
    if not survey.problems:
        lines += ["", "Nothing is wrong that can be seen from here. Look at some masks over their images all the same."]
    if survey.pages and not survey.blocking:
        choice = "" if survey.kind == "classes" else f', kind="{survey.kind}"'
        lines += ["", f"Next: SegmentationFolder(images, masks{choice}), and UNet(in_channels={next(iter(survey.channels))}, "
                      f"num_classes={survey.num_classes})."]
        if survey.kind != "classes" or survey.num_classes > 2:
            lines += ["If the kind is guessed wrong, say it: survey(images, masks, kind=…)."]
    return "\n".join(lines)


def _frequent(counts, words=str):
    """The most frequent first; alone, without its number."""
    items = sorted(counts.items(), key=lambda item: -item[1])
    if len(items) == 1:
        return words(items[0][0])
    text = ", ".join(f"{words(value)} ({number})" for value, number in items[:4])
    return text + (f" and {len(items) - 4} more" if len(items) > 4 else "")


def _listed(title, problems):
    if not problems:
        return []
    more = [f"  … and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return ["", f"{title} ({len(problems)})", *(f"  - {line}" for line in problems[:SHOWN]), *more]


CARD = """# {name}

A U-Net that gives a class to every pixel of a microscopy image. This card says what is known of it; nothing here was
guessed. Fill in the last section before you give the network to anybody.

## What it is

| | |
|---|---|
| network | U-Net, channels {channels}, {parameters:,} parameters |
| input | {input}, any size, {scaling} |
| output | {output} |

## Data

{data}

## Training

| | |
|---|---|
{training}
| versions | {versions} |

## Scores

{scores}

## Not known

{unknown}

## How to use it

```
python -m unet_course predict {name} IMAGE.tif --out masks{option}
```

```python
from unet_course.own_data.train import load_run, predict_files
run = load_run("{name}")
predict_files(run, ["IMAGE.tif"], "masks"{argument})
```

## To be filled in by you

- Where the images come from, who drew the masks, and how:
- Licence of the images, and licence of this network:
- What it may be used for, and what it must not be used for:
"""

def model_card(run, scores=None):
    """Write down what is known of a trained network, in Markdown.

    Parameters
    ----------
    run : Run
        See `train` and `load_run`.
    scores : dict, optional
        Of `evaluate`, on pictures that the network has not seen. Not given: the Dice on the validation pictures, from the
        training's history.

    Returns
    -------
    str
    """
    config, names = run.config, run.val_names
    network = config["network"]
    output = OUTPUTS[config["kind"]].format(last=network["num_classes"] - 1,
                                            foreground=config["masks"].get("foreground", 1))
    channels = network["in_channels"]
    split = scores is not None and scores["split"]  # used as it was scored
    return CARD.format(
        option=" --split" * split, argument=", split=True" * split,
        name=run.name, channels=", ".join(map(str, network["channels"])), parameters=parameter_count(run.model),
        input={1: "grey images (1 channel)", 3: "colour images (3 channels)"}.get(channels, f"images of {channels} channels"),
        scaling="each channel scaled to 0 … 1 between its own percentiles {low:g} and {high:g}".format(**config["scaling"]),
        output=output, data="\n".join(_data(run)), training="\n".join(_training(run)),
        versions=", ".join(f"{name} {number}" for name, number in config["versions"].items()),
        scores="\n".join(_scores(run, scores)), unknown="\n".join(f"- {line}" for line in _unknown(run, names)))


def _data(run):
    for part, what in (("train", "Trained on"), ("val", "Kept apart to validate on")):
        files = list(run.config["data"][part])
        yield f"- {what}: {len(files)} file{'s' * (len(files) != 1)}" + (f" ({few(files)})." if files else ".")
    found = run.config["data"]["found"]
    yield (f"- All files together: {found['pictures']} picture{'s' * (found['pictures'] != 1)} of {_counted(found['sizes'])} "
           f"pixels, {_counted(found['types'])}.")
    shares = ", ".join(f"class {number} {share:.1%}" for number, share in found["balance"].items())
    yield f"- Masks: {run.config['kind']} ({found['reason']}); of their pixels {shares}."
    yield "- The SHA-256 of every file stands in `config.json`."


def _counted(values):
    """Each value, with how often it was met if there are several."""
    if len(values) == 1:
        return next(iter(values))
    return few(f"{value} ({count})" for value, count in values.items())


def _training(run):
    settings = dict(run.config["training"])
    settings["bf16"] = run.history.bf16  # what "auto" came to
    if run.history.loss:
        settings["steps"] = f"{len(run.history.loss)} of {settings['steps']}"
    for name, value in settings.items():
        yield f"| {name} | {value} |"


def _scores(run, scores):
    kind = run.config["kind"]
    if scores is None:
        if not run.history.val_dice:
            yield "None: nothing was kept apart to score the network on."
            return
        yield (f"On the validation pictures (n = {len(run.val_names)} files), after step "
               f"{run.history.val_steps[-1]}: {run.history.headline()}.")
        return
    names = few(sorted(row["name"] for row in scores["pictures"]))
    yield (f"Over {scores['n']} picture{'s' * (scores['n'] != 1)} together ({names}), "
           f"with {scores['objects']} objects:")
    yield ""
    yield "| score | value | other pictures of the same source (95 %) |"
    yield "|---|---|---|"
    split = ", touching objects cut apart (split)" * scores["split"]
    rows = [("Dice of the foreground", "dice"), (f"object F1 at IoU 0.7{split}", "f1")]
    if len(scores["dice_per_class"]) > 2:
        rows.insert(0, (f"mean Dice over classes 1 to {len(scores['dice_per_class']) - 1}", "mean_dice"))
    for title, name in rows:
        between = "{:.3f} to {:.3f}".format(*scores["intervals"][name]) if scores["intervals"] else "one picture cannot say"
        yield f"| {title} | {scores[name]:.3f} | {between} |"
    yield ""
    yield "| class | Dice | said | true |"
    yield "|---|---|---|---|"
    for row in _classes(kind, scores["dice_per_class"], scores["said"], scores["true"]):
        yield "| " + " | ".join(row) + " |"
    yield ""
    yield '"Said" is the share of the pixels that the network gives to a class, "true" the share that was drawn so.'
    yield from hardly_said(kind, scores["said"], scores["true"])
    yield ""
    key = "mean_dice" if len(scores["dice_per_class"]) > 2 else "dice"
    worst, best = scores["pictures"][0], scores["pictures"][-1]
    yield (f"The worst picture has a {'mean ' * (key != 'dice')}Dice of {worst[key]:.3f} ({worst['name']}), the best one "
           f"of {best[key]:.3f} ({best['name']}).")
    if scores["trained_on"]:
        yield (f"{len(scores['trained_on'])} of these pictures were trained on ({few(scores['trained_on'])}): these scores "
               "are not to be believed.")


def _classes(kind, dice, said, true):
    """Name, Dice, share said and share true of each class, in words."""
    for number, (score, *shares) in enumerate(zip(dice, said, true)):
        name = class_name(kind, number)
        yield (name if name.startswith("class") else f"class {number} ({name})",
               "not there" if score is None else f"{score:.3f}", *(f"{share:.2%}" for share in shares))


def class_table(kind, dice, said, true):
    """Lines that say for each class its Dice, and the share of the pixels that is said and that is true.

    A class that is drawn and hardly ever said has a line of its own at the end.

    Examples
    --------
    >>> print(*class_table("binary", [0.98, 0.9], [0.81, 0.19], [0.8, 0.2]), sep="\\n")
    class                 Dice    said    true
    class 0 (background)  0.980  81.00%  80.00%
    class 1 (foreground)  0.900  19.00%  20.00%
    """
    rows = [("class", "Dice ", "said", "true"), *_classes(kind, dice, said, true)]
    width = max(len(row[0]) for row in rows)
    wide = max(len(row[1]) for row in rows)
    lines = [f"{name:{width}}  {score:>{wide}}  {said:>6}  {true:>6}" for name, score, said, true in rows]
    return [*lines, *hardly_said(kind, said, true)]


def hardly_said(kind, said, true):
    """A line for each class that is said on less than a third of the pixels that are drawn so.

    Examples
    --------
    >>> print(*hardly_said("labels", [0.8, 0.002, 0.198], [0.79, 0.02, 0.19]))
    class 1 (boundary) is 2.00% of the pixels and is said on 0.20%: train longer, or with --class-weights
    """
    for number, (name, _, found, drawn) in enumerate(_classes(kind, [None] * len(said), said, true)):
        if said[number] < true[number] / 3:
            yield f"{name} is {drawn} of the pixels and is said on {found}: train longer, or with --class-weights"


def _unknown(run, names):
    if len(names) < 2:
        yield (f"Nearly everything: it was validated on {len(names)} file{'s' * (len(names) != 1)}, so its scores say little "
               "about the next picture.")
    yield "It was not tested on other cells, stains, magnifications or microscopes than those of the pictures named above."
    if run.config["training"].get("groups"):
        yield ("The validation files are whole groups (see groups above). If anything was chosen by their score, "
               "that score is too good.")
    else:
        yield ("The validation files were chosen by chance from the same folder: they may be of the same sample, "
               "day and slide as the training files, and then scores on them are too good.")
    yield "Whether two people would have drawn the same masks."
    yield "It must not be used for any decision about a patient."


def few(names, most=5):
    """The first of many names, for a message.

    Examples
    --------
    >>> few("abc", 2)
    'a, b …'
    """
    names = list(names)
    return ", ".join(names[:most]) + " …" * (len(names) > most)
