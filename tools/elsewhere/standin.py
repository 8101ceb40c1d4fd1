"""A second device in pure Python, which refuses to mix with the CPU as a GPU does.

Its tensors hold tensors of the CPU, so that all numbers are those of the CPU, bit for bit. An
operation that meets tensors of both raises what a GPU would raise; ``.numpy()`` of one fails.

>>> import torch
>>> with standing_in():
...     there = torch.ones(2, device="standin")
...     print((there + 1).cpu(), there.device)
...     there + torch.ones(2)
Traceback (most recent call last):
    ...
RuntimeError: Expected all tensors to be on the same device, ...
"""

import contextlib
import os

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils._pytree import tree_flatten, tree_map, tree_map_only

DEVICE = "standin:0"
NO_DOUBLES = os.environ.get("UNET_COURSE_STANDIN") == "float32"  # as Apple's MPS
# These look up places in a tensor; places may be on the CPU, as on a GPU.
INDEXED = ("aten::index", "aten::index_put", "aten::index_put_", "aten::_index_put_impl_")


class Backend:
    """What torch asks of a device's module."""

    @staticmethod
    def device_count():
        return 1

    @staticmethod
    def is_available():
        return True

    @staticmethod
    def is_initialized():
        return True

    @staticmethod
    def _is_in_bad_fork():
        return False

    @staticmethod
    def current_device():
        return 0

    @staticmethod
    def set_device(device):
        pass

    @staticmethod
    def synchronize(device=None):
        pass

    @staticmethod
    def manual_seed_all(seed):
        pass

    @staticmethod
    def get_rng_state(device=None):
        return torch.get_rng_state()

    @staticmethod
    def set_rng_state(state, device=None):
        pass

    @staticmethod
    def get_amp_supported_dtype():
        return [torch.bfloat16, torch.float16]


class There(torch.Tensor):
    """A tensor on the stand-in, which holds one on the CPU."""

    __torch_function__ = torch._C._disabled_torch_function_impl

    @staticmethod
    def __new__(cls, inner):
        if NO_DOUBLES and inner.dtype == torch.float64:
            raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64")
        return torch.Tensor._make_wrapper_subclass(
            cls, inner.size(), strides=inner.stride(), storage_offset=inner.storage_offset(), dtype=inner.dtype,
            layout=inner.layout, device=DEVICE, requires_grad=inner.requires_grad)

    def __init__(self, inner):
        self.inner = inner

    def __repr__(self):
        return repr(self.inner.detach())[:-1] + f", device='{DEVICE}')"

    @classmethod
    def __torch_dispatch__(cls, function, types, arguments=(), options=None):
        return compute(function, arguments, options or {})


def inner(value):
    return tree_map_only(There, lambda tensor: tensor.inner, value)


def outer(value):
    return tree_map_only(torch.Tensor, lambda tensor: tensor if isinstance(tensor, There) else There(tensor), value)


def is_there(device):
    return device is not None and torch.device(device).type == "standin"


def compute(function, arguments, options):
    """Run one operation on what the tensors hold."""
    name = function._schema.name
    flat, _ = tree_flatten((arguments, options))
    tensors = [x for x in flat if isinstance(x, torch.Tensor)]
    there = any(isinstance(x, There) for x in tensors)
    if name == "aten::_to_copy":
        goes = options.get("device", arguments[0].device)
        options = {**options, "device": "cpu"}
        options.pop("non_blocking", None)
        done = function(*inner(arguments), **options)
        return There(done) if is_there(goes) else done
    if name == "aten::copy_":
        arguments[0].inner.copy_(inner(arguments[1])) if isinstance(arguments[0], There) else arguments[0].copy_(
            inner(arguments[1]))
        return arguments[0]
    if name == "aten::_local_scalar_dense":
        return function(*inner(arguments))
    makes = is_there(options.get("device"))
    if not there and not makes:
        return function(*arguments, **options)
    if "device" in options and not makes and options["device"] is not None:
        return function(*inner(arguments), **options)  # from here to the CPU
    generator = options.get("generator") or next((x for x in flat if isinstance(x, torch.Generator)), None)
    if generator is not None and generator.device.type == "cpu":
        raise RuntimeError(f"Expected a '{DEVICE}' device type for generator but found 'cpu'")
    loose = arguments[1] if name in INDEXED else ()
    allowed = {id(x) for x in tree_flatten(loose)[0]}
    for x in tensors:
        if there and not isinstance(x, There) and x.dim() > 0 and id(x) not in allowed:
            raise RuntimeError("Expected all tensors to be on the same device, but found at least two devices, "
                               f"{DEVICE} and {x.device}! (when running {name})")
    if makes:
        options = {**options, "device": "cpu"}
    options.pop("pin_memory", None)
    if function._schema.is_mutable or any(a.alias_info for a in function._schema.arguments):
        done = outer(function(*inner(arguments), **inner(options)))
        return return_and_correct_aliasing(function, arguments, options, done)
    return outer(function(*inner(arguments), **inner(options)))


class Dispatch(TorchDispatchMode):
    """Operations that make tensors on the stand-in out of nothing."""

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        if torch.is_inference_mode_enabled():  # then composite operations come whole
            with self:
                done = function.decompose(*arguments, **options or {})
            if done is not NotImplemented:
                return done
        return compute(function, arguments, options or {})


class Function(TorchFunctionMode):
    """A bare "standin" gets its index."""

    def __torch_function__(self, function, types, arguments=(), options=None):
        def whole(value):
            if isinstance(value, torch.device) and value.type == "standin" and value.index is None:
                return torch.device(DEVICE)
            return DEVICE if isinstance(value, str) and value == "standin" else value
        arguments, options = tree_map(whole, arguments), tree_map(whole, options or {})
        if function in (torch.tensor, torch.as_tensor, torch.asarray) and is_there(options.get("device")):
            return function(*arguments, **{**options, "device": "cpu"}).to(DEVICE)
        if function is torch.Tensor.__format__ and arguments[0].dim() == 0:  # as torch, of its own class alone
            return format(arguments[0].item(), arguments[1])
        return function(*arguments, **options)


def register():
    """Tell torch of the device, once in a process."""
    if not hasattr(torch, "standin"):
        torch.utils.backend_registration._setup_privateuseone_for_python_backend("standin", backend_module=Backend)
        torch.__future__.set_overwrite_module_params_on_conversion(True)


@contextlib.contextmanager
def standing_in():
    """Within it there is a device "standin"."""
    register()
    with Function(), Dispatch():
        yield


def install():
    """The same from here to the end of the process, with `pick_device` answering it."""
    register()
    Function().__enter__()
    Dispatch().__enter__()
    import unet_course
    from unet_course import inference
    from unet_course.inference import prediction

    for module in (prediction, inference, unet_course):  # before anybody has taken the name from there
        module.pick_device = lambda: torch.device(DEVICE)
