"""One file over HTTP: gone on with after a cut, and checked before it gets its name. (13)"""

import os
from pathlib import Path

SECONDS = 30  # without a byte, then the server counts as gone
MOST_BYTES = 2**30  # of one file; far above what the data sets of the course have
MIRROR = "UNET_COURSE_MIRROR"  # environment variable: the address of a folder with copies


def fetch(url, path, sha256, *, progress=True, seconds=SECONDS, max_bytes=MOST_BYTES):
    """Fetch a file whose SHA-256 is known.

    Parameters
    ----------
    url : str
        Begins with http:// or https://, and so does every address that the server sends on to.
    path : path
        A file that is there and right is not fetched again; one that is wrong is replaced.
    sha256 : str
    progress : bool, default True
        Draw a bar.
    seconds : float
        How long to wait while nothing comes. A server that is slow but sends may take as long as it likes.
    max_bytes : int
        Where to stop.

    Returns
    -------
    Path

    Raises
    ------
    ValueError
        If what came is not that file, or longer than `max_bytes`. It is deleted.
    ConnectionError
        If the server cannot be reached, answers with an error, falls silent or breaks off.

    Notes
    -----
    What comes goes to ``PATH.partial``. After a cut, the next call asks the server for the rest; if the server sends all of it
    again, or the joined parts are not the file that was wanted, it begins anew.

    Examples
    --------
    >>> fetch("file:///etc/hostname", "copy.txt", "0" * 64)
    Traceback (most recent call last):
        ...
    ConnectionError: copy.txt cannot be fetched: file:///etc/hostname, or where it leads to, is not an address with ...
    """
    import pooch  # late, as requests below: importing them takes a while
    import requests

    path = Path(path)
    partial = path.with_name(path.name + ".partial")

    def receive(address, file, _):
        _receive(address, partial, progress, seconds, max_bytes)
        os.replace(partial, file)

    pooch.get_logger().setLevel("WARNING")  # what it would say, the bar shows
    while True:
        begun = partial.exists()
        try:
            return Path(pooch.retrieve(url, f"sha256:{sha256}", fname=path.name, path=path.parent, downloader=receive))
        except (requests.RequestException, _CutError) as error:
            raise ConnectionError(f"{path.name} cannot be fetched: {_reason(error, url, partial, seconds)}") from error
        except _LongError as error:
            partial.unlink(missing_ok=True)
            raise ValueError(f"{path.name}: {url} sends more than {max_bytes:,} bytes, so it is not the published file; "
                             f"nothing of it was kept. Set {MIRROR} to the address of a copy") from error
        except ValueError as error:  # pooch's word for another SHA-256; the file is deleted
            if not begun:  # else the two parts may have been of two files: once more from the beginning
                raise ValueError(f"{path.name}: what came from {url} is not the published file, its SHA-256 differs; nothing "
                                 f"of it was kept. Try again later, or set {MIRROR} to the address of a copy") from error


class _CutError(Exception):
    """Fewer bytes came than were announced."""


class _LongError(Exception):
    """More bytes come than were allowed."""


def _receive(url, partial, progress, seconds, max_bytes):
    """Bring `partial` to its full length."""
    import requests

    from unet_course.data.files.bars import tqdm

    have = partial.stat().st_size if partial.exists() else 0
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with requests.get(url, stream=True, timeout=seconds, headers=headers) as answer:
        if answer.status_code == 416:  # more is here than there
            partial.unlink()
            return _receive(url, partial, progress, seconds, max_bytes)
        answer.raise_for_status()
        have = have if answer.status_code == 206 else 0  # 200: a server that knows no parts sends all of it
        length = answer.headers.get("content-length", "")
        total = have + int(length) if length.isdecimal() and "content-encoding" not in answer.headers else None
        if total and total > max_bytes:
            raise _LongError
        with (open(partial, "ab" if have else "wb") as file,
              tqdm(total=total, initial=have, unit="B", unit_scale=True, desc=partial.stem, disable=not progress) as bar):
            for block in answer.iter_content(2**16):
                if have + len(block) > max_bytes:
                    raise _LongError
                file.write(block)
                have += len(block)
                bar.update(len(block))
    if total and have < total:  # newer versions of urllib3 see it themselves
        raise _CutError


def _reason(error, url, partial, seconds):
    """Why a file did not come, and what to do."""
    import requests

    again = f"Run the same command again later, it goes on where it stopped; or set {MIRROR} to the address of a copy"
    if isinstance(error, requests.exceptions.InvalidSchema):
        return f"{url}, or where it leads to, is not an address with http:// or https:// ({error}). Set {MIRROR} to one"
    if isinstance(error, ValueError):  # the other kinds of InvalidURL
        return f"{url} is not an address. Set {MIRROR} to one that begins with http:// or https://, or to nothing"
    if isinstance(error, requests.HTTPError):
        return f"{error.response.url} answers {error.response.status_code} {error.response.reason}. {again}"
    if isinstance(error, requests.TooManyRedirects):
        return f"{url} leads in a circle. {again}"
    if isinstance(error, requests.exceptions.SSLError):
        return f"the certificate of {url} is not to be trusted. Is there a page to sign in to this network? {again}"
    if isinstance(error, (_CutError, requests.exceptions.ChunkedEncodingError)):
        return f"{url} broke off after {partial.stat().st_size:,} bytes. {again}"
    if isinstance(error, requests.Timeout) or "timed out" in str(error):
        return f"{url} sent nothing for {seconds:g} seconds. {again}"
    return f"{url} cannot be reached ({type(error).__name__}). Is this computer on the network? {again}"
