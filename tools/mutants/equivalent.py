"""Mutants that are as right as the solution, and why: no check can, or should, refuse them."""

import re

# A pattern that fits the whole description, and the reason; for every exercise.
ALWAYS = {
    r".*: method (item|tolist|long) dropped": "a tensor of numbers is as good as the numbers; in a sum, True counts as 1",
    r"[^+]*[*&|][^+]*: sides swapped": "the operation commutes",
    r".* \+ .*: sides swapped": "numbers are added in either order, and no solution adds anything else",
    r"(min|max)\(.*: arguments 1 and 2 swapped": "the smaller of two is the smaller of two",
    r"-2 in .*: sign dropped": "the height is axis 2 of four, from either end",
}
CLEAR_ERROR = "differs only in what it says to arguments that the exercise rules out"
# (exercise, pattern, reason)
SOMETIMES = [
    ("1.3", r"slice\(0, n\): argument 1 dropped", "a slice begins at 0 anyway"),
    ("1.5", r"dice_score\(image > level, truth\): arguments 1 and 2 swapped", "Dice asks both masks alike"),
    ("2.3", r".*inplace.*", "saves memory; the values are the same"),
    ("2.6", r"\(1, 2, 3\): items . and . swapped", "a sum over all three axes, in either order"),
    ("2.7", r".*max\(\)\.item\(\) < 0\.001: Lt → LtE", "no difference is just 0.001"),
    ("3.1", r"torch\.stack\(rows\): call dropped", "rows in a list are as good as a tensor"),
    ("3.4", r"\[\[0, 0, 0\], .*: items . and . swapped",
     "an upright gap looks the same to each row of the kernel"),
    ("3.4", r"0 in \[0, 0, 0\]: 0 → -1|1 in \[1, -2, 1\]: 1 → 0|2 in .*: 2 → 3",
     "all nine still add up to 0 or less, and to more than 0 on the gap"),
    ("4.1", r"\(-1, -2, 0, 1\): items 1 and 2 swapped", "the exercise says: either way round"),
    ("4.2", r".*(isinstance|ValueError|'size is '|n > 0|\(tuple, list\)).*", CLEAR_ERROR),
    ("4.2", r"(if dh == dw == 0:|return skip): (statement dropped|if False)", "a pad by 0 gives the same values, as a copy"),
    ("4.3", r"(if up == 'bilinear':: if True|.*up is .*)", CLEAR_ERROR),
    ("4.3", r".*keyword align_corners dropped", "it is False anyway"),
    ("4.3", r"nn\.Sequential\(resize.*swapped", "a 1×1 convolution and bilinear interpolation commute"),
    ("4.3", r"\[skip, x\]: items 1 and 2 swapped", "either order can be learnt, if it is kept"),
    ("4.8", r"1: 1 → 2", "a pixel that is lit more brightly is as good"),
    ("5.1", r"\[\(64, 64\), \(70, 95\)\]: items . and . swapped", "the order in which a dict is filled"),
    ("5.1", r"-(height|w1) // 2: FloorDiv → Div", "the heights, and the widths after the first pool, are even"),
    ("5.3", r".*(check_arguments|check_image|\(in_channels, num_classes, padding\)|len\(self\.encoders\)).*", CLEAR_ERROR),
    ("5.3", r"(self\.apply\(init_he\)|self\.head\.weight\.data|0\.3: 0\.3 →).*",
     "how weights begin is the subject of the section after the exercise"),
    ("5.3", r".*any\(odd\).*", "a crop by 0 gives the same values"),
    ("5.4", r"n // 2: FloorDiv → Div", "only even numbers get there"),
    ("5.4", r"0 in n > 0: 0 → 1", "behind a pool every output is even"),
    ("6.8", r"zip\(shares, weights\): arguments 1 and 2 swapped", "they are multiplied"),
    ("7.2", r"\(prediction == k, target == k\): items 1 and 2 swapped", "intersection and union commute"),
    ("7.4", r"\(prediction == p, target == t\): items 1 and 2 swapped", "intersection and union commute"),
    ("7.4", r"int\(.*: call dropped", "in a sum, True counts as 1"),
    ("7.4", r".*: GtE → Gt", "an IoU of exactly 0.7 falls either way by rounding, so the check keeps away from it"),
    ("7.7", r"1000 in .*: 1000 → (999|1001)", "one sample more or less among a thousand cannot be seen in the interval"),
    ("7.8", r"2000 in .*: 2000 → (1999|2001)", "one sample more or less among two thousand cannot be seen"),
    ("7.8", r".*method double dropped", "dividing makes floats"),
    ("7.8", r"1 in .*clamp\(min=1\): 1 → 2", "with one object alone nothing is found, and 0 divided by 2 is 0, too"),
    ("8.1", r"\(-\(-height // 2\), -\(-width // 2\)\): items 1 and 2 swapped", "height times width, in either order"),
    ("8.8", r"0 in \(\{\}, 0, 0, None\): 0 → 1", "numbers may begin anywhere"),
    ("8.8", r"label\(.*keyword connectivity dropped", "2 is what it takes by itself for two axes"),
    ("8.8", r"(np\.asarray\(band\)|int\(.*\)): call dropped", "the bands are arrays, and the numbers are numbers"),
    ("8.8", r"(\(find|max\(column - 1, 0).*swapped", "either order"),
    ("11.2", r"4 \*\* 0\.5: Pow → Mult", "half of four is the root of four"),
    ("11.5", r"\[\*a, \*b\]: items 1 and 2 swapped", "all ways to choose are tried, in whichever order the scores stand"),
    ("11.5", r"statistics\.mean\(\w+\) - statistics\.mean.*: sides swapped", "the absolute difference is taken"),
    ("11.5", r"d >= real.*: GtE → Gt", "no difference of floats is the real one less 1e-12, exactly"),
    ("11.6", r"difference \+ .*: Add → Sub", "the seeds spread alike in both directions"),
    ("11.6", r".*: GtE → Gt", "two means are never exactly two errors apart"),
    ("11.6", r"second - first: (Sub → Add|sides swapped)", "the seeds of the first spread alike around 0"),
    ("11.7", r"(16|64) in .*: (16 → 1[57]|64 → 6[35])", "about is enough"),
    ("12.2", r".*(keyword bias dropped|False → True)", "a norm takes such a bias away again"),
    ("12.3", r"out_channels // 4: FloorDiv → Div", "the exercise says that it is a multiple of 4"),
    ("12.5", r"\(2, 3\): items 1 and 2 swapped", "a mean over both axes, in either order"),
    ("9.2", r".*align_corners.*", "bilinear, corners aligned or not: the exercise leaves it free"),
    ("9.2", r"nn\.Sequential\(double.*swapped", "a 1×1 convolution and bilinear interpolation commute"),
    ("9.7", r".*keyword align_corners dropped", "it is False anyway"),
    *((id, r"0 in \(:, 0\): 0 → -1", "there is one channel, from either end") for id in ("9.7", "9.12", "9.14")),
    ("9.8", r".*method float dropped", "dividing makes floats"),
    ("9.9", r"torch\.rand.* < 0\.5: Lt → (LtE|Gt)", "half of the draws, the one or the other"),
    ("9.21", r"torch\.rand.* < 0\.5: Lt → (LtE|Gt)", "half of the draws, the one or the other"),
    ("9.10", r"(64 in .*: 64 → 6[35]|1 in .*: 1 → 2)", "any size and number that leaves batch norm more than one value"),
    ("9.13", r".*keyword lr dropped", "AdamW's own rate, 0.001, is in the range that is asked for"),
    ("9.14", r".*: Gt → GtE", "a probability of exactly one half falls either way"),
    ("9.16", r"4 in .*: 4 → 5", "two fifths of the field for validation: 45 of 100 crops will do"),
    ("9.17", r"3: 3 → 4", "a class more that occurs nowhere is left out"),
    ("9.17", r"\(prediction == k, target == k\): items 1 and 2 swapped", "intersection and union commute"),
    ("8.4", r"image\.numpy\(\): method numpy dropped", "np.pad takes a tensor, too"),
    ("8.5", r"torch\.stack\(.*call dropped", "a list of rows says the same"),
    ("13.1", r"\[\*images, \*masks\].*swapped", "the files without a partner may come in any order"),
    ("13.3", r"\[framed\[.*swapped", "whether any of the four neighbours differs does not depend on their order"),
    ("13.6", r"\{\*labels\[0\].*swapped", "a set has no order"),
    ("14.3", r"torch\.Generator\(\): method Generator dropped", "torch.manual_seed seeds the global generator just as well"),
    ("14.4", r"10000 in .*: 10000 → (10001|9999)", "a ten-thousandth of a time is within the rounding that is allowed"),
    ("14.6", r"pieces\.clone\(\): method clone dropped", "the exercise does not ask that its argument stays as it was"),
    ("10.5", r"0 in \(0, 0\): 0 → -1", "there is one picture with one channel: the first is the last"),
]


def reason(id, what):
    """Why a mutant is as right as the solution, or None.

    >>> reason("7.1", "2 * both: sides swapped")
    'the operation commutes'
    >>> reason("7.1", "both / areas: sides swapped") is None
    True
    """
    known = [*((id, *both) for both in ALWAYS.items()), *SOMETIMES]
    return next((why for place, pattern, why in known if place == id and re.fullmatch(pattern, what)), None)
