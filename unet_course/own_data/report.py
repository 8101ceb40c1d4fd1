"""The text that a survey is printed as."""

from unet_course.data.mask_kinds import NAMES, shown

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
        lines += [f"    {value}  {_name(survey.kind, value):<12}{share:7.2%}"
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


def _name(kind, value):
    names = NAMES.get(kind, ("background",))
    return names[value] if value < len(names) else f"class {value}"


def _listed(title, problems):
    if not problems:
        return []
    more = [f"  … and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else []
    return ["", f"{title} ({len(problems)})", *(f"  - {line}" for line in problems[:SHOWN]), *more]
