"""The page that segments, in a browser: it finds what PyTorch finds, asks nobody, all can use it.

Pictures of it are left in `artefacts/live`.
"""

import base64
import functools
import http.server
import io
import threading
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from tests.own_data.test_export import needs_onnx, network
from tests.tools.test_book import AXE, axe  # noqa: F401  a fixture
from tools.website import live
from unet_course import label_nuclei, load_pretrained, predict
from unet_course.data.nuclei import load_raw
from unet_course.data.scaling import network_input
from unet_course.own_data.page import PAGE, export_page
from unet_course.own_data.run import Run

PICTURES = Path(__file__).resolve().parents[2] / "artefacts" / "live"
WAIT = 300_000  # milliseconds: on a machine with other work it takes long
MOST = 6_000_000  # bytes that a visit may cost
COLOURS = {(0, 0, 0): 0, (0xEE, 0x77, 0x33): 1, (0x33, 0xBB, 0xEE): 2}

pytestmark = [pytest.mark.full, needs_onnx]


class Counting(http.server.SimpleHTTPRequestHandler):
    """A plain server that compresses nothing and counts what it sends."""

    def copyfile(self, source, out):
        data = source.read()
        self.server.sent[self.path] = len(data)
        out.write(data)

    def log_message(self, *words):
        pass


@pytest.fixture(scope="module")
def runtime():
    return live.runtime() or pytest.skip("npm gives no onnxruntime-web")


@pytest.fixture(scope="module")
def serve():
    """Serve a folder on this machine: its address, and the bytes that were sent of each file."""
    servers = []

    def start(folder):
        server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Counting, directory=folder)
        )
        server.sent = {}
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/", server.sent

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


class Visit:
    """A page that is open, and what it has asked for."""

    def __init__(self, page, address, sent):
        self.page, self.sent, self.asked, self.failed = page, sent, [], []
        page.set_default_timeout(WAIT)
        page.context.on("request", lambda request: self.asked.append(request.url))
        page.on("pageerror", lambda error: self.failed.append(str(error)))
        page.goto(address)
        page.locator("#asleep").wait_for(state="detached")

    def done(self, name):
        """Wait for a picture; how many objects the page counts."""
        said = self.page.locator("#said")
        said.get_by_text(f"{name} is done:").wait_for()
        self.page.locator("#inside").wait_for()
        return self.count()

    def take(self, path):
        self.page.set_input_files("#file", path)
        return self.done(path.name)

    def count(self):
        return int(
            self.page.locator("#count").text_content().split(": ")[1].rstrip(".").replace(",", "")
        )

    def show(self, view):
        self.page.locator(f"[name=view][value={view}]").check()
        words = {
            "classes": "The class of each pixel",
            "objects": "in colours",
            "outlines": "outlines",
            "picture": "is shown it",
        }
        self.page.locator(f'#picture[aria-label*="{words[view]}"]').wait_for()

    def pixels(self):
        """What the picture on the page shows, uint8 (H, W, 3)."""
        data = self.page.evaluate("() => document.getElementById('picture').toDataURL()")
        return np.asarray(
            Image.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB")
        )

    def classes(self):
        self.show("classes")
        shown = self.pixels()
        found = np.full(shown.shape[:2], 255, np.uint8)
        for colour, k in COLOURS.items():
            found[(shown == colour).all(axis=2)] = k
        self.show("objects")
        return found


@pytest.fixture(scope="module")
def visit(browser, serve, runtime, tmp_path_factory):
    folder = tmp_path_factory.mktemp("site") / "live"
    live.make(folder, runtime)
    visit = Visit(browser.new_page(viewport={"width": 1280, "height": 900}), *serve(folder))
    yield visit
    visit.page.close()


def field(visit, name):
    visit.page.locator("#fields button", has_text=name).click()
    return visit.done(name)


def torch_says(page):
    """Probabilities (K, H, W) of the course's network for the numbers of a picture."""
    return predict(load_pretrained(), torch.from_numpy(network_input(page)), progress=False)


def same(found, probabilities):
    """The share of pixels that have the same class in the browser and in PyTorch."""
    return (found == probabilities.argmax(0).numpy()).mean()


def test_every_pixel_of_a_field_is_what_pytorch_says_and_the_visit_costs_less_than_6_mb(visit):
    count = field(visit, "Field B")
    found = visit.classes()
    share, bytes_sent = same(found, torch_says(load_raw("test"))), sum(visit.sent.values())
    # What a visitor of the largest field gets in the place of this one.
    most = (
        bytes_sent
        + max(path.stat().st_size for path in live.DATA.glob("nuclei/*_image.png"))
        - visit.sent["/fields/field_b_image.png"]
    )
    print(
        f"Field B: {share:.6%} of the pixels have PyTorch's class; "
        f"{bytes_sent:,} bytes were sent, {most:,} at most; "
        f"{count} nuclei"
    )
    assert share >= 0.999 and most < MOST
    assert count == label_nuclei(found).max()
    assert (
        visit.asked
        and [
            url
            for url in visit.asked
            if not url.startswith((visit.page.url, f"blob:{visit.page.url}"))
        ]
        == []
    )
    assert visit.failed == []
    assert visit.page.locator("#levels canvas").count() == 7


def test_the_worker_cannot_ask_anybody_else(visit):
    (worker,) = visit.page.workers
    ask = "() => fetch('{}').then(() => 'answered', (error) => error.name)"
    assert worker.evaluate(ask.format(visit.page.url)) == "answered"
    for other in ("http://127.0.0.1:9/", "https://example.org/"):
        assert (
            worker.evaluate(ask.format(other))
            == visit.page.evaluate(ask.format(other))
            == "TypeError"
        )


def test_the_threshold_moves_the_count_by_keyboard(visit):
    before, slider = field(visit, "A third field"), visit.page.locator("#threshold")
    logits = torch_says(
        load_raw("shifted")
    ).log()  # but for a number that is the same for all classes
    slider.focus()
    seen = {50: before}
    for key, times, percent in (("ArrowRight", 40, 90), ("ArrowLeft", 80, 10), ("Home", 1, 1)):
        for _ in range(times):
            visit.page.keyboard.press(key)
        visit.page.locator("#sure", has_text=f"{percent} %").wait_for()
        visit.show("outlines")  # in order: what was asked for before is drawn by then
        visit.show("objects")
        seen[percent] = visit.count()
        slider.focus()
    for percent, count in seen.items():
        t = torch.tensor(percent / 100)
        inside = logits[2] - logits[:2].amax(0) > torch.logit(t)
        wanted = int(label_nuclei(torch.where(inside, 2, logits[:2].argmax(0))).max())
        assert abs(count - wanted) <= 1, (percent, seen, wanted)
    assert len(set(seen.values())) == 4
    assert slider.get_attribute("aria-valuetext") == "1 %"
    visit.page.get_by_role("button", name="Back to 50 %").press("Enter")
    visit.page.locator("#count", has_text=f": {before}.").wait_for()


def test_the_four_views_show_what_they_say(visit):
    visit.show("picture")
    image = network_input(load_raw("shifted"))[0]
    alone = visit.pixels()
    assert np.abs(alone.astype(float) - 255 * image[..., None]).max() <= 0.51
    visit.show("outlines")
    outlines = (visit.pixels() != alone).any(axis=2)
    visit.show("objects")
    objects = (visit.pixels() != alone).any(axis=2)
    assert 0 < outlines.sum() < objects.sum() and (objects | ~outlines).all()
    assert visit.page.locator("#key").is_hidden()


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_tiff_of_16_bits_is_read_whole(visit, tmp_path, order):
    raw = load_raw("test")[200:300, 300:501]
    tifffile.imwrite(tmp_path / "a.tif", raw, byteorder=order, rowsperstrip=7)
    visit.take(tmp_path / "a.tif")
    assert same(visit.classes(), torch_says(raw)) >= 0.999


@pytest.mark.parametrize("ending", [".png", ".tif"])
def test_of_a_colour_picture_the_brightest_colour_is_shown(visit, tmp_path, ending):
    raw = np.clip(load_raw("shifted")[:90, :121], 0, 255).astype(np.uint8)
    colour = np.stack([raw // 3, np.roll(raw, 30, axis=1) // 2, raw], axis=-1)
    write = (
        tifffile.imwrite
        if ending == ".tif"
        else lambda path, image: Image.fromarray(image).save(path)
    )
    write(tmp_path / f"a{ending}", colour)
    visit.take(tmp_path / f"a{ending}")
    assert same(visit.classes(), torch_says(colour.max(axis=2))) >= 0.999
    assert "the brightest of its three colours" in visit.page.locator("#more").text_content()
    assert "It has 8 bits" in visit.page.locator("#more").text_content()


def test_what_a_browser_alone_can_read_is_taken_too(visit, tmp_path):
    raw = np.clip(load_raw("shifted")[:64, :65], 0, 255).astype(np.uint8)
    Image.fromarray(raw).convert("P").save(tmp_path / "palette.png")
    visit.take(tmp_path / "palette.png")
    assert same(visit.classes(), torch_says(raw)) >= 0.999
    Image.fromarray(raw[:1, :1]).save(tmp_path / "one.bmp")
    assert visit.take(tmp_path / "one.bmp") == 0
    assert "All its pixels are equal" in visit.page.locator("#more").text_content()


def refused(folder):
    """Files that the page cannot take, and a word of what it says."""
    small = np.arange(600, dtype=np.uint16).reshape(20, 30)
    Image.fromarray(small).save(folder / "whole.png")
    png, header = (
        (folder / "whole.png").read_bytes(),
        bytearray((folder / "whole.png").read_bytes()),
    )
    header[16:24] = (9000).to_bytes(4, "big") * 2
    (folder / "large.png").write_bytes(header)
    (folder / "cut.png").write_bytes(png[: len(png) // 2])
    (folder / "notes.txt").write_text("no picture")
    tifffile.imwrite(folder / "packed.tif", small, compression="zlib")
    tifffile.imwrite(folder / "tiles.tif", np.zeros((64, 64), np.uint8), tile=(32, 32))
    tifffile.imwrite(folder / "float.tif", small.astype(np.float32))
    tifffile.imwrite(folder / "big.tif", small, bigtiff=True)
    (folder / "cut.tif").write_bytes((folder / "packed.tif").read_bytes()[:100])
    return {
        "large.png": "has 9000 × 9000 pixels",
        "cut.png": "cut.png is damaged",
        "notes.txt": "is no picture",
        "packed.tif": "it is compressed",
        "tiles.tif": "it is stored in tiles",
        "float.tif": "neither 8 nor 16 bits",
        "big.tif": "it is a BigTIFF",
        "cut.tif": "cut.tif is damaged",
    }


def test_what_cannot_be_read_is_said_in_a_sentence(visit, tmp_path):
    for name, words in refused(tmp_path).items():
        visit.page.set_input_files("#file", tmp_path / name)
        visit.page.locator("#said.wrong", has_text=words).wait_for(timeout=30_000)
        assert visit.page.locator("#work").is_hidden() and visit.page.locator("#result").is_hidden()
    assert visit.failed == []


def test_the_page_stays_alive_and_a_picture_can_be_dropped_and_given_up(visit):
    page = visit.page
    page.evaluate("""async () => {
        const data = new DataTransfer();
        const image = await (await fetch("fields/field_a_image.png")).blob();
        data.items.add(new File([image], "dropped.png"));
        const how = {dataTransfer: data, bubbles: true, cancelable: true};
        document.body.dispatchEvent(new DragEvent("drop", how));
    }""")
    page.get_by_text("The network looks at dropped.png").wait_for()
    page.locator("#stop").press("Enter")
    page.locator("#said", has_text="Stopped.").wait_for(timeout=10_000)
    assert page.evaluate("() => document.activeElement.id") == "pick"


# What can be reached by Tab from the top, in order.
TABS = ["pick", "", "", "", "origin", "threshold", "middle", "view", "full"]


def test_all_can_use_it(visit, axe):  # noqa: F811
    PICTURES.mkdir(parents=True, exist_ok=True)
    page = visit.page
    field(visit, "A third field")
    page.evaluate(axe)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for width in (1280, 390, 320):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("() => document.documentElement.scrollWidth") <= width
            page.screenshot(path=PICTURES / f"{scheme}_{width}.png", full_page=True)
        found = page.evaluate(AXE, [{"include": ["html"]}, True])["violations"]
        assert [(v["id"], v["nodes"][0]["html"][:200]) for v in found] == []
    page.set_viewport_size({"width": 1280, "height": 900})
    page.locator("#home a").focus()
    reached = []
    for _ in TABS:
        page.keyboard.press("Tab")
        reached.append(
            page.evaluate("() => document.activeElement.id || document.activeElement.name")
        )
        assert (
            page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle") != "none"
        ), reached
    assert reached == TABS
    page.locator("#full").check()
    page.set_viewport_size({"width": 390, "height": 900})
    page.locator("#frame[tabindex]").wait_for()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 390
    page.locator("#full").uncheck()


def test_a_network_of_ones_own_for_colour_pictures(browser, serve, runtime, tmp_path):
    model = network(in_channels=3, num_classes=2, channels=(4, 8, 16), up="bilinear")
    image = np.random.default_rng(0).integers(0, 256, (57, 530, 3), dtype=np.uint8)
    shown = torch.from_numpy(network_input(image))
    with torch.no_grad():
        scores = model(shown[None])[0]
        model.head.bias[1] -= (scores[1] - scores[0]).median()  # so that it finds both classes
    export_page(Run("mine", model, {"kind": "binary", "masks": {}}), tmp_path / "page", runtime)
    Image.fromarray(image).save(tmp_path / "mine.png")
    page = browser.new_page()
    visit = Visit(page, *serve(tmp_path / "page"))
    assert page.locator("#fields").is_hidden() and page.locator("#home").is_hidden()
    visit.take(tmp_path / "mine.png")
    visit.show("classes")
    found = (visit.pixels() == (0x33, 0xBB, 0xEE)).all(axis=2)
    wanted = predict(model, shown, progress=False).argmax(0).numpy()
    assert 0.4 < wanted.mean() < 0.6 and (found == wanted).mean() >= 0.999
    page.close()


def test_a_page_that_is_opened_as_a_file_says_how_to_open_it(browser, tmp_path):
    page = browser.new_page()
    page.goto((PAGE / "index.html").as_uri())
    page.locator("#asleep", has_text="python -m http.server --bind 127.0.0.1").wait_for(
        timeout=10_000
    )
    page.close()
