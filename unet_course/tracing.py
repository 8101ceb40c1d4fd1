"""Look inside a network while it runs: every shape, and how far a pixel reaches. (02 03 05)"""

import torch


def trace_shapes(model, size, *, batch=1):
    """Run a network on a black image and write down the shape of every tensor on its way.

    Parameters
    ----------
    model : UNet
        Left as it is.
    size : (int, int)
        Height and width of the image.
    batch : int, default 1

    Returns
    -------
    list of (str, tuple)
        Name and shape ``(C, H, W)``, in the order of computing: "input", "skip 0", "pooled 0", …, "bottom",
        "up 0" (after the upsampling), "decoder 0", …, "logits". Level 0 is the top of the U.

    Examples
    --------
    >>> from unet_course import UNet
    >>> for name, shape in trace_shapes(UNet(channels=(8, 16)), (101, 70)):
    ...     print(f"{name:10}{shape}")
    input     (1, 101, 70)
    skip 0    (8, 101, 70)
    pooled 0  (8, 51, 35)
    bottom    (16, 51, 35)
    up 0      (8, 102, 70)
    decoder 0 (8, 102, 70)
    logits    (2, 101, 70)
    """
    rows, hooks, levels = [], [], len(model.encoders)

    def note(name):
        def hook(_, __, output):
            rows.append((name, tuple(output.shape[1:])))
        return hook

    device = next(model.parameters()).device
    image = torch.zeros(batch, model.in_channels, *size, device=device)
    rows.append(("input", tuple(image.shape[1:])))
    for level, encoder in enumerate(model.encoders):
        hooks.append(encoder.block.register_forward_hook(note(f"skip {level}")))
        hooks.append(encoder.pool.register_forward_hook(note(f"pooled {level}")))
    hooks.append(model.bottleneck.register_forward_hook(note("bottom")))
    for index, decoder in enumerate(model.decoders):
        hooks.append(decoder.up.register_forward_hook(note(f"up {levels - 1 - index}")))
        hooks.append(decoder.register_forward_hook(note(f"decoder {levels - 1 - index}")))
    hooks.append(model.head.register_forward_hook(note("logits")))
    training = model.training
    try:
        with torch.no_grad():
            model.eval()(image)
    finally:
        model.train(training)
        for hook in hooks:
            hook.remove()
    return rows


def receptive_field(layers, *, convs=2, kernel=3):
    """Side, in input pixels, of the square that one value sees after some layers.

    Parameters
    ----------
    layers : sequence of (int, int), or int
        Kernel and stride of each layer, in order: ``(3, 1)`` is a 3×3 convolution, ``(2, 2)`` a
        2×2 pool. A number stands for U-Net's encoder with as many pools, down to its bottom.
    convs : int, default 2
        Convolutions on each level of that encoder, the bottom included.
    kernel : int, default 3
        Of these convolutions.

    Returns
    -------
    int

    Notes
    -----
    A layer puts ``kernel`` windows side by side, one step apart; its stride then makes the step,
    the distance in input pixels from one value to the next, so many times larger.

    Examples
    --------
    >>> receptive_field([(3, 1), (3, 1), (2, 2), (3, 1)])
    10
    >>> [receptive_field(levels) for levels in range(5)]
    [5, 14, 32, 68, 140]
    """
    if isinstance(layers, int):
        layers = [*([(kernel, 1)] * convs + [(2, 2)]) * layers, *[(kernel, 1)] * convs]
    sees, step = 1, 1
    for size, stride in layers:
        sees += (size - 1) * step
        step *= stride
    return sees


def impulse(model, size, pixel):
    """Which input pixels a network's output at one pixel depends on, and how much.

    Parameters
    ----------
    model : Module
        Takes ``(1, in_channels, H, W)``. Left as it is.
    size : (int, int)
        Height and width of the image.
    pixel : (int, int)
        Row and column of the output.

    Returns
    -------
    Tensor, shape (H, W)
        Absolute gradient of the output at `pixel`, summed over the classes, on a random image.

    Examples
    --------
    >>> from unet_course import ConvBlock, seed_everything
    >>> seed_everything(0)  # with some first weights every ReLU at this pixel is shut
    >>> seen = impulse(ConvBlock(1, 4), (15, 15), (7, 7))
    >>> bool((seen[2:, :5] == 0).all()), bool(seen[7, 7] > 0)
    (True, True)
    """
    channels = getattr(model, "in_channels", 1)
    image = torch.rand(1, channels, *size, generator=torch.Generator().manual_seed(0)).requires_grad_()
    training = model.training
    model.eval()
    (gradient,) = torch.autograd.grad(model(image)[..., pixel[0], pixel[1]].sum(), image)
    model.train(training)
    return gradient[0].abs().sum(dim=0)


def skip_bytes(height, width, channels):
    """Bytes of all skips together while one image is in a U-Net with ``padding=1``, in float32.

    Parameters
    ----------
    height, width : int
        Of the image, in pixels.
    channels : sequence of int
        Of the levels, as for `UNet`. The last one is the bottom, which has no skip.

    Returns
    -------
    int

    Examples
    --------
    >>> skip_bytes(512, 512, (64, 128, 256, 512, 1024)) / 2**20
    120.0
    """
    total = 0
    for c in channels[:-1]:
        total += 4 * c * height * width
        height, width = -(-height // 2), -(-width // 2)
    return total


def parameter_count(module):
    """Number of values that training can change.

    Examples
    --------
    >>> parameter_count(torch.nn.Conv2d(1, 8, 3))
    80
    """
    return sum(p.numel() for p in module.parameters() if p.requires_grad)


def kept_bytes(model, size):
    """Bytes that stay in memory between the forward and the backward pass of one image, its weights not counted.

    Measured, not estimated: these are the tensors that torch's autograd saves. Works on the "meta" device too, where
    nothing is computed and nothing allocated.

    Parameters
    ----------
    model : UNet
        Left as it is.
    size : (int, int)
        Height and width of the image.

    Returns
    -------
    int

    Examples
    --------
    >>> kept_bytes(torch.nn.Conv2d(1, 8, 3, padding=1), (10, 10))  # the image itself, in float32
    400
    """
    kept = {}
    own = {p.untyped_storage()._cdata for p in [*model.parameters(), *model.buffers()]}

    def note(tensor):
        storage = tensor.untyped_storage()
        if storage._cdata not in own:
            kept[storage._cdata] = storage  # held, so that its place is not given to another one
        return tensor

    parameter = next(model.parameters())
    image = torch.zeros(1, getattr(model, "in_channels", 1), *size, device=parameter.device, dtype=parameter.dtype)
    training = model.training
    try:
        with torch.enable_grad(), torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
            model.eval()(image)
    finally:
        model.train(training)
    return sum(storage.nbytes() for storage in kept.values())
