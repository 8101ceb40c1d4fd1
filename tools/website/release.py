"""A release: ``python course.py release 0.2.0`` makes all of it here, and pushes nothing.

From the last commit on main it makes, in a temporary work tree: a commit with the version, the
changelog's section, set-up cells and badges; a tag on it; the wheel with its checksum, tried once;
and for the branch ``student``, which badges open, the same tree with students' copies of the
notebooks. When all of it is there, main, tag and branch move; if a step fails, all is as it was.
``--dry-run`` goes through every step and keeps nothing.

It refuses while something is missing. That `course.py full` has passed on this commit, its record
in build/full.txt says; if it passed elsewhere, at night for one, say so: ``--tested``.
"""

import argparse
import datetime
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import nbformat
from packaging.version import InvalidVersion, Version

from tools.elsewhere.colab import wheel
from tools.gates import RECORD
from tools.website import address
from unet_course.classroom.copies import without_answers

HERE = Path(__file__).resolve().parents[2]
NOT_FOR_STUDENTS = (".github", ".ci")  # the checks of a push would look for solutions and outputs


class Refused(Exception):
    """What keeps a release from being made, in sentences."""


def git(root, *arguments, text="", env=None):
    """What a git command prints that is given a text; where it fails, what it says is raised."""
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, input=text.encode(),
                          env=env)
    said = (done.stdout.decode(errors="replace") if done.returncode == 0
            else (done.stderr or done.stdout).decode(errors="replace"))
    if done.returncode:
        raise Refused(f"git {arguments[0]} failed: {said.strip()}")
    return said.strip()


def found(root, name):
    """The commit or tag that a full name of git's stands for, or None."""
    return git(root, "for-each-ref", "--format=%(objectname)", name) or None


def missing(version, root=HERE, tested=False):
    """All that keeps the version from being released, a sentence each; none if it can be."""
    try:
        commit = git(root, "rev-parse", "HEAD")
    except (OSError, Refused):
        return ["This is no git clone with a commit."]
    reasons = [*wrong_version(version, root), *wrong_clone(root)]
    if address.address(root) == address.UNKNOWN:
        reasons.append("The public address is not known. Write it, then commit: "
                       "python course.py address OWNER/NAME")
    try:
        dated(read(root, "CHANGELOG.md"), version, "", "", "")
    except Refused as refusal:
        reasons.append(str(refusal))
    if not tested and read(root, RECORD).split("\n")[0] != commit:
        reasons.append(f"{RECORD} does not say that everything has passed on this commit: "
                       "python course.py full. If it has passed elsewhere: --tested")
    return reasons


def wrong_version(version, root):
    """Why this version cannot follow the one that is there."""
    now = address.release(root)
    try:
        wanted = Version(version)
    except InvalidVersion:
        yield f"The version is {version!r}; wanted one such as 0.2.0, or 0.2.0rc1 (PEP 440)."
        return
    if str(wanted) != version or wanted.local:
        yield f"The version is {version!r}; wanted {wanted.public}, as pip writes it."
    if wanted <= Version(now):
        yield f"The version is {version}; wanted one larger than {now}, which pyproject.toml has."
    if found(root, f"refs/tags/v{version}"):
        yield f"The tag v{version} is there already; choose a larger version."
    if (root / "dist" / f"v{version}").exists():
        yield f"dist/v{version} is there already; move it away."


def wrong_clone(root):
    """Why nothing can be released from this clone as it is."""
    branch, there = git(root, "rev-parse", "--abbrev-ref", "HEAD"), "refs/remotes/origin/main"
    if branch != "main":
        yield f"This is branch {branch!r}, and a release is made from main: git switch main"
    elif found(root, there) and git(root, "rev-list", f"HEAD..{there}"):
        yield "origin/main has commits that main lacks: git pull"
    if changed := git(root, "status", "--porcelain").splitlines():
        more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
        yield f"Not committed: {changed[0].split()[-1]}{more}; commit it or take it away."
    try:
        git(root, "var", "GIT_COMMITTER_IDENT")
    except Refused:
        yield ("git does not know who you are: git config user.name NAME, "
               "git config user.email ADDRESS")


def read(root, name):
    path = root / name
    return path.read_text(encoding="utf-8") if path.exists() else ""


def dated(text, version, date, where, before):
    """The changelog with its section Unreleased as that of the version, and the section.

    Examples
    --------
    >>> text, new = dated("## Unreleased\\n\\n- Badges.\\n", "0.2.0", "2030-01-31", "I/it", "0.1.0")
    >>> print(text.replace("\\n\\n", "\\n").strip())
    ## Unreleased
    ## 0.2.0 - 2030-01-31
    - Badges.
    """
    many = re.MULTILINE | re.IGNORECASE
    head = re.search(r"^## +(\[?)Unreleased(\]?)[^\n]*$", text, many)
    if not head:
        raise Refused("CHANGELOG.md has no section '## [Unreleased]'; write there what is new.")
    if re.search(rf"^## +\[?{re.escape(version)}(?![\w.])", text, re.MULTILINE):
        raise Refused(f"CHANGELOG.md has a section for {version} already.")
    following = re.search(r"^(?:## |\[[^\]\n]+\]: )", text[head.end():], re.MULTILINE)
    end = head.end() + following.start() if following else len(text)
    notes, rest = text[head.end():end].strip(), text[end:]
    bare = re.sub(r"<!--.*?-->|^#.*?$", "", notes, flags=re.DOTALL | re.MULTILINE)
    if not bare.strip():
        raise Refused("The section Unreleased of CHANGELOG.md is empty; write there what is new.")
    compare = f"https://github.com/{where}/compare"
    rest = re.sub(r"^\[Unreleased\]: .*$", f"[Unreleased]: {compare}/v{version}...HEAD\n"
                  f"[{version}]: {compare}/v{before}...v{version}", rest, flags=many)
    section = f"\n\n## {head[1]}{version}{head[2]} - {date}\n\n{notes}\n"
    return text[:head.end()] + section + ("\n" + rest if rest else ""), notes


def write_version(tree, version, date):
    """Write version and date where they stand: pyproject.toml, and what one cites by, if there."""
    plain, quoted = r"^({}: *[\"']?)[^\"'\n]*", r'("{}": *")[^"]*'
    places = {"pyproject.toml": [(r'^(version = ")[^"]*', version)],
              "CITATION.cff": [(plain.format("version"), version),
                               (plain.format("date-released"), date)],
              ".zenodo.json": [(quoted.format("version"), version),
                               (quoted.format("publication_date"), date)]}
    dates = {"CITATION.cff": f"date-released: {date}\n", ".zenodo.json": f'  "publication_date": "{date}",\n'}
    for name, changes in places.items():
        text = old = read(tree, name)
        line = dates.get(name, "")
        if line.split(":")[0] not in text:  # before the first release
            changes = [('^( *"?version"?:.*\n)', line), *changes]
        for pattern, new in changes:
            text = re.sub(pattern, rf"\g<1>{new}", text, count=1, flags=re.MULTILINE)
        if text != old:
            (tree / name).write_text(text, encoding="utf-8", newline="\n")


def notebooks(tree):
    """(path in the repository, notebook) of each notebook, English and Chinese."""
    return [(path.relative_to(tree).as_posix(), nbformat.read(path, as_version=4))
            for path in sorted(tree.glob("notebooks/**/[0-9][0-9]_*.ipynb"))]


def prepare(tree, version, date):
    """Turn a work tree into that of the release; what is new in it, as the changelog says."""
    where, before = address.address(tree), address.release(tree)
    text, notes = dated(read(tree, "CHANGELOG.md"), version, date, where, before)
    (tree / "CHANGELOG.md").write_text(text, encoding="utf-8", newline="\n")
    write_version(tree, version, date)
    address.rewrite(where, tree)
    for name, notebook in notebooks(tree):
        setups = [cell.source for cell in notebook.cells
                  if "setup" in cell.metadata.get("tags", [])]
        if len(setups) != 1 or address.install_lines(where, tree) not in setups[0]:
            raise Refused(f"{name}: its set-up cell does not install v{version}.")
        if address.badge(where, name.removeprefix("notebooks/")) not in notebook.cells[0].source:
            raise Refused(f"{name}: it has no badge that opens it on the branch student.")
    return notes


def student_commit(tree, commit, version):
    """The commit of the branch student: the release's tree, its notebooks without answers."""
    with tempfile.TemporaryDirectory() as folder:
        own = {**os.environ, "GIT_INDEX_FILE": str(Path(folder) / "index")}
        git(tree, "read-tree", commit, env=own)
        git(tree, "rm", "-r", "-q", "--cached", "--ignore-unmatch", *NOT_FOR_STUDENTS, env=own)
        for name, notebook in notebooks(tree):
            text = nbformat.writes(without_answers(notebook)) + "\n"
            blob = git(tree, "hash-object", "-w", "--stdin", text=text)
            git(tree, "update-index", "--cacheinfo", f"100644,{blob},{name}", env=own)
        made = git(tree, "write-tree", env=own)
    last = found(tree, "refs/heads/student") or found(tree, "refs/remotes/origin/student")
    parents = ["-p", last] if last else []
    message = f"Students' copies of {version}: the notebooks without solutions and outputs"
    return git(tree, "commit-tree", made, *parents, "-m", message)


def tag_object(tree, commit, version):
    """An annotated tag that no name leads to yet."""
    tagger = git(tree, "var", "GIT_COMMITTER_IDENT")
    return git(tree, "mktag", text=f"object {commit}\ntype commit\ntag v{version}\n"
                                   f"tagger {tagger}\n\nRelease {version}\n")


def try_wheel(path, version):
    """Install the wheel alone and import it."""
    with tempfile.TemporaryDirectory() as folder:
        folder = str(Path(folder).resolve())
        options = ["-q", "--no-deps", "--no-index", "--disable-pip-version-check"]
        install = [sys.executable, "-m", "pip", "install", *options, "--target", folder, str(path)]
        run(install, "The wheel cannot be installed")
        ask = ("from importlib.metadata import version as v; import unet_course as c; "
               "print(v('unet-course'), c.__file__)")
        said = run([sys.executable, "-c", ask], "The wheel cannot be imported", cwd=folder,
                   env={**os.environ, "PYTHONPATH": folder})
        if not said.startswith(f"{version} {folder}"):
            raise Refused(f"The wheel says {said.strip()}; wanted {version}, from {folder}")


def run(command, wrong, **options):
    done = subprocess.run(command, capture_output=True, text=True, **options)
    if done.returncode:
        raise Refused(f"{wrong}: {(done.stderr or done.stdout).strip()[-2000:]}")
    return done.stdout


def build(tree, folder, version, notes):
    """Put into a folder what the release offers: the wheel, its checksum, what is new."""
    folder.mkdir(parents=True)
    try:
        package = wheel(folder, tree)
    except subprocess.CalledProcessError as error:
        raise Refused("pip could not build the wheel; its lines above say why.") from error
    try_wheel(package, version)
    digest = hashlib.sha256(package.read_bytes()).hexdigest()
    sums = f"{digest}  {package.name}\n"
    (folder / "SHA256SUMS").write_text(sums, encoding="utf-8", newline="\n")
    (folder / "NOTES.md").write_text(notes + "\n", encoding="utf-8", newline="\n")
    return package.name


def publish(root, made, version, commit, tag, student):
    """Move all of it to where it belongs; if one step fails, none is taken."""
    place, old = root / "dist" / f"v{version}", found(root, "refs/heads/student")
    nothing = "0" * len(commit)
    names = [("refs/heads/student", student, old or nothing),
             (f"refs/tags/v{version}", tag, nothing)]
    forth = "".join(f"update {name} {new} {was}\n" for name, new, was in names)
    back = "".join(f"update {name} {was} {new}\n" for name, new, was in names)
    undo = [lambda: shutil.rmtree(place, ignore_errors=True)]
    try:
        shutil.copytree(made, place)
        git(root, "update-ref", "--stdin", text=forth)  # both or none
        undo.append(lambda: git(root, "update-ref", "--stdin", text=back))
        git(root, "merge", "-q", "--ff-only", commit)
    except BaseException:
        for step in reversed(undo):
            step()
        raise


def make(version, root=HERE, *, dry_run=False):
    """Make the release; `missing` must have found nothing."""
    date, before = datetime.date.today().isoformat(), git(root, "rev-parse", "HEAD")
    with tempfile.TemporaryDirectory() as folder:
        tree, made = Path(folder).resolve() / "tree", Path(folder) / "made"
        git(root, "worktree", "add", "-q", "--detach", str(tree), before)
        try:
            notes = prepare(tree, version, date)
            git(tree, "commit", "-q", "-a", "-m", f"Release {version}")
            commit = git(tree, "rev-parse", "HEAD")
            changed = git(tree, "diff", "--shortstat", before, commit)
            print(f"commit   {commit[:10]} of {date}: {changed}", flush=True)
            student = student_commit(tree, commit, version)
            print(f"student  {student[:10]}: {len(notebooks(tree))} notebooks without solutions, "
                  "without outputs", flush=True)
            tag = tag_object(tree, commit, version)
            package = build(tree, made, version, notes)
            print(f"wheel    {package}, installed and imported once", flush=True)
            print(f"checksum {read(made, 'SHA256SUMS').split()[0]}", flush=True)
            if not dry_run:
                publish(root, made, version, commit, tag, student)
        finally:
            git(root, "worktree", "remove", "--force", str(tree))
    if dry_run:
        print(f"Nothing is kept of this rehearsal. To release: python course.py release {version}")
        return
    place = f"dist/v{version}"
    print(f"\nv{version} is made: on main, as a tag, on the branch student, in {place}. "
          "To publish it:\n"
          f"  git push --atomic origin main student v{version}\n"
          f"  gh release create v{version} {place}/{package} {place}/SHA256SUMS "
          f"--title {version} --notes-file {place}/NOTES.md")


def main(arguments, root=HERE):
    parser = argparse.ArgumentParser(prog="python course.py release", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", metavar="VERSION", help="such as 0.2.0")
    parser.add_argument("--dry-run", action="store_true",
                        help="go through every step and keep nothing")
    parser.add_argument("--tested", action="store_true",
                        help="`full` has passed on this commit, though not here")
    chosen = parser.parse_args(arguments)
    try:
        if reasons := missing(chosen.version, root, chosen.tested):
            raise Refused("\n".join(reasons))
        if not chosen.tested:  # what `full` could not do here, its record says
            print(read(root, RECORD).partition("\n")[2], end="")
        make(chosen.version, root, dry_run=chosen.dry_run)
    except Refused as refusal:
        print(f"No release was made.\n{refusal}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
