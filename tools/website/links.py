"""Whether the addresses outside that the course names still answer: ``python course.py links``.

It asks each once, of pages, notebooks and the package. Gone is what answers 404 or 410, and what
has no server any more; where a server refuses a program or is down for now, nobody can tell, and
that is only said. It needs the network and runs at night, not with the tests.
"""

import re
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat

from tools.website.address import address

HERE = Path(__file__).resolve().parents[2]
MADE_UP = re.compile(r"(?i)//(?:.*\.)?(?:example\.\w+|localhost|127\.0\.0\.1)\b|[{}<>$]|/USER/")
GONE = (404, 410)
PATIENCE = 30  # seconds
ASK = {"User-Agent": "Mozilla/5.0 (a course's check of its links)", "Accept": "*/*"}


def text(path):
    """What a reader sees of a page: of a notebook its prose and code, without the outputs."""
    if path.suffix != ".ipynb":
        return path.read_text(encoding="utf-8")
    return "\n\n".join(cell.source for cell in nbformat.read(path, as_version=4).cells)


def outside(source):
    """The addresses in a text, each once, without what follows the #.

    Examples
    --------
    >>> outside("See [a](https://a.org/b_(c)#d), <https://e.org/f>. `http://127.0.0.1:1/x`")
    ['https://a.org/b_(c)', 'https://e.org/f']
    """
    found = re.findall(r"https?://\w[\w-]*\.(?:[^\s()<>\"'`\\\]|]|\([^\s()]*\))+", source)
    cleaned = (link.partition("#")[0].rstrip(".,;:!?*_") for link in found)
    return [link for link in dict.fromkeys(cleaned) if not MADE_UP.search(link)]


def places(root=HERE):
    """{address: the files that name it}, without our own, which the tests follow in the clone."""
    files = ["*.md", "*.ipynb", "unet_course/*.py", "pyproject.toml", "CITATION.cff"]
    listed = subprocess.run(["git", "ls-files", "-z", *files], cwd=root, capture_output=True,
                            check=True, encoding="utf-8").stdout
    found, where = {}, address(root)
    for name in filter(None, listed.split("\0")):
        for link in outside(text(root / name)):
            if where not in link:
                found.setdefault(link, []).append(name)
    return found


def answer(link):
    """What a server says: "" if all is well, "gone: …", or "unclear: …"."""
    try:
        with urllib.request.urlopen(urllib.request.Request(link, headers=ASK), timeout=PATIENCE):
            return ""
    except urllib.error.HTTPError as error:
        return f"{'gone' if error.code in GONE else 'unclear'}: {error.code} {error.reason}"
    except urllib.error.URLError as error:
        missing = "Name or service not known" in str(error) or "getaddrinfo" in str(error)
        return f"{'gone' if missing else 'unclear'}: {error.reason}"
    except (OSError, ValueError) as error:
        return f"unclear: {error}"


def main(arguments, root=HERE):
    if arguments:
        print("python course.py links takes no argument.", file=sys.stderr)
        return 2
    found = places(root)
    with ThreadPoolExecutor(8) as pool:
        said = dict(zip(found, pool.map(answer, found)))
    for link, word in sorted(said.items(), key=lambda pair: pair[1]):
        if word:
            print(f"{word}: {link} in {', '.join(found[link])}")
    gone = sum(word.startswith("gone") for word in said.values())
    unclear = sum(word.startswith("unclear") for word in said.values())
    print(f"{len(said)} addresses: {gone} gone, {unclear} unclear")
    return int(gone > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
