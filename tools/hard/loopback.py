"""A server on this machine that gives files well or badly, and small copies of the published sets for it to give."""

import contextlib
import hashlib
import io
import threading
import time
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

from unet_course.data.downloads import SETS


class Loopback:
    """Files over HTTP on 127.0.0.1, while it is open.

    Parameters
    ----------
    files : dict of str to bytes
        What stands at ``/PATH``.

    Attributes
    ----------
    url : str
    manners : dict
        By path, how a file is given: "ranges" (as asked for; what is not named here), "whole" (whatever part is asked for),
        "cut" (half, then the line is closed), "cut unsaid" (half, and its length not told), "corrupt" (one bit is another),
        "stall" (half, then silence), "drip" (in small pieces), "endless" (without a length or an end), "shifted" (another part
        than asked for), "gone" (404), or an address to send on to.
    asked : list of (str, str)
        Path and range of every request so far.
    sent : int
        Bytes so far.
    pause : float
        Seconds between two pieces of 32 kB.
    """

    def __init__(self, files):
        self.files, self.manners, self.asked, self.sent, self.pause = files, {}, [], 0, 0.0
        self.closing = threading.Event()

    def __enter__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"loopback": self}))
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        with contextlib.suppress(ConnectionError):  # the one who asked is dead, or has heard enough
            self.give(self.loopback.files, self.path.strip("/"), self.headers.get("Range", ""))

    def give(self, files, path, asked):
        manner = self.loopback.manners.get(path, "ranges")
        self.loopback.asked.append((path, asked))
        if "://" in manner:
            self.head(302, Location=manner)
        elif manner == "gone" or path not in files:
            self.head(404)
        elif manner == "endless":
            self.head(200)
            while not self.loopback.closing.is_set():
                self.write(bytes(2**16))
        else:
            whole = files[path]
            begin = int(asked[6:-1]) if asked and manner != "whole" else 0
            if begin >= len(whole) > 0:
                return self.head(416, Content_Range=f"bytes */{len(whole)}")
            begin = max(begin - 1, 0) if manner == "shifted" else begin
            data = whole[begin:]
            part = {"Content_Range": f"bytes {begin}-{len(whole) - 1}/{len(whole)}"} if asked and manner != "whole" else {}
            length = {} if manner == "cut unsaid" else {"Content_Length": str(len(data))}
            self.head(206 if part else 200, **part, **length)
            self.body(data, manner)

    def body(self, data, manner):
        if manner == "corrupt":
            data = data[:-100] + bytes([data[-100] ^ 1]) + data[-99:]
        if manner in ("cut", "cut unsaid", "stall"):
            data = data[: len(data) // 2]
        for begin in range(0, len(data), size := 2**10 if manner == "drip" else 2**15):
            self.write(data[begin : begin + size])
            time.sleep(0.003 if manner == "drip" else self.loopback.pause)
        if manner == "stall":
            self.loopback.closing.wait(30)

    def head(self, status, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def write(self, data):
        self.wfile.write(data)
        self.loopback.sent += len(data)


def small_bbbc039(fields=5, size=(260, 348), seed=0):
    """Archives laid out as those of BBBC039, of about a megabyte, and what they stand for.

    Returns
    -------
    dict of str to bytes, list of (ndarray, ndarray)
        The archives by name; images (uint16) and numbers of nuclei.
    """
    import tifffile
    from PIL import Image
    from skimage.draw import disk

    draw, archives, pairs = np.random.default_rng(seed), {}, []
    packed = {"images.zip": io.BytesIO(), "masks.zip": io.BytesIO()}
    with zipfile.ZipFile(packed["images.zip"], "w") as images, zipfile.ZipFile(packed["masks.zip"], "w") as masks:
        for field in range(fields):
            image = draw.integers(200, 1200, size).astype(np.uint16)
            numbers = np.zeros(size, np.uint8)
            for nucleus in range(12):  # in rows of four; the third and the fourth touch
                row, column = 40 + 80 * (nucleus // 4), 50 + 60 * (nucleus % 4) - 20 * (nucleus % 4 == 3)
                place = disk((row, column), 21, shape=size)
                numbers[place] = 1 + nucleus % 4  # used again, as in the published masks
                image[place] += 3000
            file = io.BytesIO()
            tifffile.imwrite(file, image)
            images.writestr(f"images/field_{field:02}.tif", file.getvalue())
            images.writestr(f"__MACOSX/images/._field_{field:02}.tif", b"what a Mac adds")
            file = io.BytesIO()
            Image.fromarray(np.stack([numbers, numbers * 60, 0 * numbers, np.full_like(numbers, 255)], -1)).save(file, "PNG")
            masks.writestr(f"masks/field_{field:02}.png", file.getvalue())
            masks.writestr(f"__MACOSX/masks/._field_{field:02}.png", b"what a Mac adds")
            pairs.append((image, numbers))
    archives.update((name, file.getvalue()) for name, file in packed.items())
    return archives, pairs


def set_of(name, archives):
    """A published set with other archives: their names and checksums, at an address where nothing is."""
    sums = {file: (f"http://127.0.0.1:9/{file}", hashlib.sha256(data).hexdigest()) for file, data in archives.items()}
    return replace(SETS[name], archives=sums)
