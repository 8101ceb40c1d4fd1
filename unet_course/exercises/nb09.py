"""Exercises: the networks, patients 1 to 5 and 11, and the triage. (09)"""

import torch
import torch.nn.functional as F
from torch import nn
from torch.overrides import TorchFunctionMode

from unet_course.clinic.patients import ClinicUNet
from unet_course.exercises.answers import word
from unet_course.exercises.core import Exercise, Hint, asking, expect, said
from unet_course.exercises.values import call, shape, tensor
from unet_course.exercises.watching import watch
from unet_course.unet import UNet

CHANNELS = (4, 8, 16)


def built(answer, channels=CHANNELS, classes=3):
    """The repaired network, made from the class that was handed over."""
    expect(isinstance(answer, type) and issubclass(answer, nn.Module), f"Your answer is {said(answer)}; wanted a class of "
           "networks. Hand over its name, without brackets.")
    with asking(f"That was your class with num_classes={classes} and channels={channels}. Does "
                "__init__ take **options, and hand them on?"):
        return answer(num_classes=classes, channels=channels)


def runs(model, size=(32, 48)):
    """Logits for two images; a hint if the network stops."""
    with asking(f"That was on images 1×{size[0]}×{size[1]}, with channels={CHANNELS}. Print the shapes on the way up."):
        return tensor(call(model, torch.rand(2, 1, *size)), learns=True)


def gradients(result, sources):
    """What a backward pass from a result brings to each source; zeros where nothing arrives."""
    expect(tensor(result, learns=True).requires_grad, "No gradient comes back through your result, "
           "so no weight can learn. Is a tensor detached on the way, or made into a plain number?")
    expect(all(s.requires_grad for s in sources), "Some weights are frozen: their requires_grad is "
           "False, so no training moves them. Which line says so?")
    weights = torch.linspace(-1, 1, result.numel()).reshape(result.shape)
    try:
        found = torch.autograd.grad(result, sources, weights, retain_graph=True, allow_unused=True)
    except RuntimeError as error:
        raise Hint(f"The result is right, and the backward pass stops: {str(error).split(':')[0]}. "
                   "What is changed in place, by += or by a function that ends in _, while "
                   "autograd still needs what it was?") from None
    return [torch.zeros_like(s) if g is None else g for g, s in zip(found, sources)]


def same_gradients(got, wanted):
    """Whether two backward passes brought the same, up to rounding."""
    largest = max(float(g.abs().max()) for g in wanted)
    return all(torch.allclose(a, b, rtol=1e-3, atol=1e-4 * largest) for a, b in zip(got, wanted))


def same_weights(model, healthy):
    """Expect both to have the same parts, and give the model the weights of the healthy one."""
    names, wanted = model.state_dict().keys(), healthy.state_dict().keys()
    expect(names == wanted and all(v.shape == model.state_dict()[n].shape for n, v in healthy.state_dict().items()),
           "The parts of your network, their names or sizes, are not those of ClinicUNet. Mend the one fault, and leave the "
           "rest as it is.")
    model.load_state_dict(healthy.state_dict())


def compared(model, healthy, size, hint, seen=lambda logits: logits):
    """Expect the numbers and gradients of a healthy network of these weights, in both modes."""
    for mode in ("evaluation", "training"):
        x, results = torch.rand(2, 1, *size).requires_grad_(), []
        for net in (model, healthy):
            net.train(mode == "training")
            # call hands over a copy of x, no leaf: as if another layer stood in front.
            logits = tensor(call(net, x), learns=True)
            shape(logits, (2, healthy.head.out_channels, *size), f"On images {size[0]}×{size[1]} " +
                  "your network gives {got}; wanted {wanted}.")
            results.append(seen(logits))
        same = torch.allclose(*results, atol=1e-4)
        expect(same or mode == "evaluation" or right_again(model, healthy, size, seen), "Called "
               "once more in evaluation mode, with other images of the same size, your network "
               "gives other numbers than a healthy one; the first time it was right. What does it "
               "keep from one call to the next?")
        expect(same, hint if mode == "evaluation" else "In training "
               "mode your network gives other numbers than a healthy one with the same weights. "
               "What does it do only while it is trained?")
        pairs = zip(results, (model, healthy))
        mine, theirs = (gradients(result, [x, *net.parameters()]) for result, net in pairs)
        expect(same_gradients(mine, theirs), "The numbers are right, and the gradient that comes "
               "back is not that of a healthy network, so it learns otherwise. Is a tensor "
               "detached on the way?")


def right_again(model, healthy, size, seen):
    """Whether another call in evaluation mode, with the same weights, gives the same numbers."""
    model.load_state_dict(healthy.state_dict())
    x = torch.rand(2, 1, *size)
    with torch.no_grad():
        mine, theirs = (seen(call(net.eval(), x)) for net in (model, healthy))
    return torch.allclose(mine, theirs, atol=1e-4)


def as_healthy(answer, hint, sizes=((64, 48), (32, 80)), **options):
    """Expect the network to be a healthy one, with any channels and any number of classes."""
    for channels, classes in ((CHANNELS, 3), ((3, 6, 8, 10), 2)):
        model = built(answer, channels, classes)
        healthy = ClinicUNet(num_classes=classes, channels=channels)
        same_weights(model, healthy)
        for size in sizes:
            with asking(f"That was on images {size[0]}×{size[1]}, with channels={channels}. Is "
                        "every decoder called, and which skip does it get? Print the shapes."):
                compared(model, healthy, size, hint, **options)


one = Exercise("9.1", "Patient 1", "find", minutes=5, mark="classroom")


@one.behaviour
def decoders_meet(answer):
    shape(runs(built(answer)), (2, 3, 32, 48), "Your network gives {got}; wanted {wanted}.")


@one.behaviour
def each_decoder_gets_its_skip(answer):
    as_healthy(answer, "It runs, and gives other numbers than a healthy network with the same weights. Does each decoder get "
               "the skip of its own level, and is every decoder called once?")


two = Exercise("9.2", "Patient 2", "find", minutes=8)


@two.behaviour
def channels_meet(answer):
    shape(runs(built(answer)), (2, 3, 32, 48), "Your network gives {got}; wanted {wanted}.")


class Resizes(TorchFunctionMode):
    """Inside ``with Resizes() as seen`` each resizing is written down.

    That is its mode, whether corners are aligned, old and new size.
    """

    def __init__(self):
        super().__init__()
        self.all = []

    def __torch_function__(self, function, types, arguments=(), options=None):
        result = function(*arguments, **(options or {}))
        if function is F.interpolate:
            how = options or {}  # torch hands everything over by name
            self.all.append((how.get("mode", "nearest"), how.get("align_corners"),
                             *(tuple(t.shape[-2:]) for t in (arguments[0], result))))
        return result


def resizes(answer):
    """The resizings of a run on images 32×48."""
    with torch.no_grad(), Resizes() as seen:
        runs(built(answer).eval())
    return seen.all


@two.behaviour
def still_bilinear(answer):
    seen = watch(built(answer), torch.rand(2, 1, 32, 48))
    expect(not seen.transposed, "There is a transposed convolution. This network is to upsample bilinearly, as its owner "
           "wanted.")
    kinds = [mode for mode, *_ in resizes(answer)]
    expect(len(kinds) == 2 and set(kinds) == {"bilinear"}, f"Your network resizes {len(kinds)} "
           f"times, by {said(kinds)}; wanted the 2 bilinear ones that were there.")


@two.behaviour
def the_rest_is_as_it_was(answer):
    for _, aligned, small, large in resizes(answer):
        expect(not aligned, "Your network upsamples with align_corners=True; it was False, and only "
               "the channels did not meet.")
        expect(large == (2 * small[0], 2 * small[1]), f"An upsampling makes {small[0]}×{small[1]} "
               f"into {large[0]}×{large[1]}; wanted twice the rows and columns.")
    for channels in (CHANNELS, (3, 6, 8, 10)):
        model, healthy = built(answer, channels), UNet(num_classes=3, channels=channels, up="bilinear")
        for name in ("encoders", "bottleneck", "head"):
            ours = {n: v.shape for n, v in getattr(healthy, name).state_dict().items()}
            part = getattr(model, name, nn.Identity())
            expect({n: v.shape for n, v in part.state_dict().items()} == ours, f"The {name} have "
                   "changed. Only the way up is ill.")
        given = []
        for decoder in getattr(model, "decoders", []):
            decoder.register_forward_hook(lambda _, inputs, output: given.append(output.shape[1]))
        with asking(f"That was with channels={channels}. Do yours fit when the channels do not double from "
                    "level to level?"):
            out = tensor(call(model, torch.rand(2, 1, 32, 32)), learns=True)
        wanted = list(channels[-2::-1])
        expect(given in ([], wanted), f"Your decoders give {said(given)} channels; wanted "
               f"{said(wanted)}, as before.")
        weights = [p for p in model.parameters() if p.ndim > 1]
        expect(all(bool(g.any()) for g in gradients(out, weights)), "To some of your layers no "
               "gradient comes back. Is each used that you make, and nothing detached on the way?")


@two.behaviour
def nothing_is_drawn_while_it_runs(answer):
    model, x = built(answer).eval(), torch.rand(2, 1, 32, 32)
    first, second = (tensor(call(model, x), learns=True) for _ in range(2))
    expect(torch.equal(first, second), "Called twice with the same images, in "
           "evaluation mode, your network gives two results. Is a layer made in forward? It has new "
           "weights each time, and no optimiser knows it. Where are layers made?")


@two.behaviour
def no_relu_on_the_way_up(answer):
    lowest = {}  # of what goes into the convolutions of each size
    for _ in range(3):  # the few channels of one network may happen to have no negative value
        for c in watch(built(answer), torch.rand(2, 1, 32, 32)).plain:
            size = tuple(c.weight.shape[:2])
            lowest[size] = min(lowest.get(size, 0), float(c.input.min()))
    for wide in CHANNELS[:-1]:
        # A block for more channels, built for the tensor from below as it is, has none of this size.
        expect(lowest.get((wide, 2 * wide), -1) < 0, "What your decoders set beside the skip has no "
               "negative value any more, so another step is there, such as a ReLU. The upsampling "
               "only has to give the channels that the decoder wants.")


@two.behaviour
def each_skip_is_heard(answer):
    for mode in (True, False):
        model, skips = built(answer, (3, 6, 8, 10)).train(mode), []

        def apart(_, inputs, output, skips=skips):
            skips.append(output[0] * 1)  # what goes down is made from the other one
            return skips[-1], *output[1:]

        for encoder in model.encoders:
            encoder.register_forward_hook(apart)
        out = call(model, torch.rand(2, 1, 32, 32))
        for level, gradient in enumerate(gradients(out, skips) if skips else []):
            expect(bool(gradient.any()), "No gradient comes back through the skip of level "
                   f"{level}: its decoder does not look at it, or it is detached on the way. Which "
                   "two tensors does a decoder set side by side?")


three = Exercise("9.3", "Patient 3", "find", minutes=8)


def spreads(model, pixel=(14, 34), size=48):
    """How far from its place a pixel comes out when each layer averages what it sees."""
    for parameter in model.parameters():
        parameter.data.fill_(0.1 if parameter.ndim == 4 else 1.0)
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.data.zero_()
    x = torch.rand(1, 1, size, size).requires_grad_()
    (gradient,) = gradients(model.eval()(x)[..., pixel[0], pixel[1]].sum(), [x])
    seen = gradient[0, 0].abs().nonzero()
    return int((seen - torch.tensor(pixel)).abs().max()) if len(seen) else 0


@three.behaviour
def the_bright_pixel_stays(answer):
    model = built(answer, (4, 8))
    shape(runs(model), (2, 3, 32, 48), "Your network gives {got}; wanted {wanted}.")
    healthy = spreads(ClinicUNet(num_classes=3, channels=(4, 8)))
    far = spreads(model)
    expect(far <= healthy, f"With one pool, an output pixel depends on pixels {far} away; in a healthy network {healthy} is "
           "the most. Which of the two, the block's output or the pooled one, is the skip, and "
           "which one goes down?")


@three.behaviour
def nothing_else_in_three(answer):
    as_healthy(answer, "With the same weights a healthy network gives other numbers. Is the skip what the block gives, "
               "before the pool, on every level?")


four = Exercise("9.4", "Patient 4", "find", minutes=5)


@four.behaviour
def size_stays(answer):
    for size in ((64, 64), (101, 101), (37, 30)):
        shape(runs(built(answer), size), (2, 3, *size), f"On images {size[0]}×{size[1]} " + "your network gives {got}; wanted "
              "{wanted}. Which rows and columns does the crop keep?")


@four.behaviour
def nothing_moves(answer):
    as_healthy(answer, "The size is right, and the picture is not in its place. The zeros were "
               "padded at the right and at the bottom: which rows and columns have to go?",
               sizes=((64, 48), (37, 30), (48, 37), (5, 64)))


five = Exercise("9.5", "Patient 5", "find", minutes=12, mark="deeper")


def convolutions(model):
    return [(n, m) for n, m in model.named_modules() if isinstance(m, nn.Conv2d)]


@five.behaviour
def weights_are_drawn_after_he(answer):
    models = [built(answer, (16, 32, 64)) for _ in range(16)]
    for (name, layer), *others in zip(*map(convolutions, models)):
        expect(not torch.equal(layer.weight, others[0][1].weight), f"{name}: two networks begin "
               "with the same weights. They have to be drawn at random.")
        weights = torch.stack([m.weight.detach() for m in (layer, *(other for _, other in others))])
        if weights.numel() < 1000:
            continue  # the head: too few to tell, of all networks together
        fan_in, spread = layer.in_channels * layer.kernel_size[0] ** 2, float(weights.std())
        ratio = spread * (fan_in / 2) ** 0.5
        expect(not 0.35 < ratio < 0.47, f"{name}: the standard deviation of the weights is "
               f"{ratio:.2f} times sqrt(2 / fan_in); torch's default has 0.41. Is your "
               "initialisation called?")
        expect(0.9 < ratio < 1.1, f"{name}: the standard deviation of the weights is {ratio:.2f} times sqrt(2 / fan_in); "
               "wanted 1. What does He et al. divide by, what goes in or what goes out, and what "
               "is the 2 for?")
        largest, mean = float(weights.abs().max()) / spread, float(weights.mean()) / spread
        expect(abs(mean) < 0.15, f"{name}: the mean of the weights is {mean:.2f} standard "
               "deviations; wanted 0.")
        expect(largest > 1.6, f"{name}: no weight is larger than {largest:.1f} standard "
               "deviations. Wanted a normal distribution, or a uniform one.")


@five.behaviour
def biases_are_zero(answer):
    model = built(answer)
    normed = any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules())
    for name, layer in convolutions(model):
        expect(layer.bias is not None or not normed, f"{name} has lost its bias, and there is a "
               "batch norm in your network. This patient has none: norm=False stays.")
        expect(layer.bias is not None, f"{name} has lost its bias. Without a norm, nothing else shifts the values.")
        expect(float(layer.bias.detach().abs().max()) == 0, f"The bias of {name} is not zero.")


@five.behaviour
def still_without_norm(answer):
    model, healthy = built(answer), ClinicUNet(norm=False, num_classes=3, channels=CHANNELS)
    same_weights(model, healthy)
    compared(model, healthy, (37, 30), "With the same weights a healthy network gives other "
             "numbers. Mend how the weights begin, and leave the rest.")


eleven = Exercise("9.11", "Patient 11", "find", minutes=5)


@eleven.behaviour
def gives_logits(answer):
    for mode in ("evaluation", "training"):
        out = runs(built(answer).train(mode == "training"))
        shape(out, (2, 3, 32, 48), "Your network gives {got}; wanted {wanted}.")
        sums = out.sum(dim=1)
        expect(not torch.allclose(sums, torch.ones_like(sums), atol=1e-3), f"In {mode} mode the "
               "outputs of a pixel still add up to 1. What does cross-entropy do to what it gets?")


@eleven.behaviour
def learns_as_a_healthy_one(answer):
    as_healthy(answer, "Inside cross-entropy, your outputs become other probabilities than those "
               "of a healthy network with the same weights. The logits have to go out as they "
               "are.",
               sizes=((64, 48), (37, 30)), seen=lambda logits: logits.log_softmax(dim=1))


triage = Exercise("9.18", "Triage", "choose", minutes=5, mark="classroom")
FIRST = ("print the shapes", "light one pixel", "learn one batch by heart", "count the classes")


@triage.behaviour
def an_error(answer):
    expect((got := word(answer, 0, FIRST)) == "print the shapes", f"1: not {got!r}. An error names two numbers that do not "
           "meet. What shows where they come from?")


@triage.behaviour
def blurred_details(answer):
    expect((got := word(answer, 1, FIRST)) == "light one pixel", f"2: not {got!r}. It learns, sizes fit, and only the places "
           "are off. What shows where a feature goes?")


@triage.behaviour
def learns_nothing(answer):
    expect((got := word(answer, 2, FIRST)) == "learn one batch by heart", f"3: not {got!r}. Nobody knows yet whether "
           "network, loss or learning rate is ill. Which test takes seconds, and tells whether anything is?")


@triage.behaviour
def a_strange_number(answer):
    expect((got := word(answer, 3, FIRST)) == "count the classes", f"4: not {got!r}. A loss below zero, or a Dice above 1, "
           "cannot be with classes 0 and 1. Where do you look for other numbers?")
