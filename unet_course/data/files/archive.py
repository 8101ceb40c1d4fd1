"""Zip archives unpacked with care: nothing outside the folder, within limits, all or none. (13)"""

import errno
import stat
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath, PureWindowsPath

from unet_course.data.files.saving import written

MOST_BYTES, MOST_FILES = 4 * 2**30, 20_000  # of what is unpacked; far above what the data sets of the course have
METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # the others unpack a block at once, however large it gets
DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{port}{n}" for port in ("COM", "LPT") for n in range(10))}  # of Windows


class ArchiveError(ValueError):
    """An archive that is not to be unpacked."""


def unpack(archive, folder, *, max_bytes=MOST_BYTES, max_files=MOST_FILES):
    """Unpack a zip archive into a new folder.

    Parameters
    ----------
    archive : path
    folder : path
        Must not be there yet; it appears when all is unpacked.
    max_bytes, max_files : int, optional
        Of the unpacked files: a small archive can hold a huge file of zeros.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    FileExistsError
        If `folder` is there.
    ArchiveError (a ValueError)
        If the archive is damaged or no zip archive, or holds more than the limits, a path that leads outside, two files of
        one name, a link, a locked file, or a name that means something else on another system. Nothing is left of it then.

    Notes
    -----
    Rights and times of the files are not taken from the archive. Every name and the lengths that the archive states are
    checked before anything is written; a file that is longer than stated fails its checksum at that length.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as place:
    ...     with zipfile.ZipFile(Path(place) / "a.zip", "w") as file:
    ...         file.writestr("../b.txt", "here I am")
    ...     unpack(Path(place) / "a.zip", Path(place) / "inside")
    Traceback (most recent call last):
        ...
    unet_course.data.files.archive.ArchiveError: archive a.zip holds the path ..., which leads ...
    """
    archive, folder = Path(archive), Path(folder)
    if folder.exists():
        raise FileExistsError(f"folder {folder.name!r} is there already; give a new one, or delete that one first")
    try:
        with zipfile.ZipFile(archive) as file, written(folder) as beside:
            members = _plain_members(file, archive.name, max_bytes, max_files)
            beside.mkdir()
            file.extractall(beside, members)  # no more comes than the archive states
    except ArchiveError:
        raise
    except Exception as error:  # each way of being damaged has its own kind
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):  # the disk's fault, not the archive's
            raise
        raise ArchiveError(f"archive {archive.name} is damaged, or no zip archive ({type(error).__name__}: {error}); nothing "
                           "was unpacked: fetch it again") from error
    return folder


def _plain_members(file, archive, max_bytes, max_files):
    """The files of an archive, each checked before the first is written."""
    members = [member for member in file.infolist() if not member.is_dir()]
    total = sum(member.file_size for member in members)
    if len(members) > max_files or total > max_bytes:
        raise ArchiveError(f"archive {archive} holds {len(members):,} files of {total:,} bytes together; wanted at most "
                           f"{max_files:,} files and {max_bytes:,} bytes: nothing was unpacked")
    taken, folders = set(), set()
    for member in members:
        # Windows and macOS take a.txt and A.TXT for one file, and two ways to write an ä for one name
        path = PurePosixPath(unicodedata.normalize("NFC", member.filename).casefold())
        twice = path in taken or path in folders or taken.intersection(path.parents)
        if reason := _fault(member) or twice and "which is there twice":
            raise ArchiveError(f"archive {archive} holds the path {member.filename!r}, {reason}; nothing was unpacked: do not "
                               "trust it, get it from where it was published")
        taken.add(path)
        folders.update(path.parents)
    return members


def _fault(member):
    """What is wrong with one entry, or nothing."""
    for name in (member.orig_filename, member.filename):  # as it stands in the archive, and as it was understood
        windows = PureWindowsPath(name)
        if windows.drive or windows.root or ".." in windows.parts:
            return "which leads out of its folder"
        if "\\" in name or ":" in name or any(unicodedata.category(letter)[0] == "C" for letter in name):
            return "which has a letter that no file name should have"
        parts = name.split("/")
        if any(part in ("", ".") or part[-1] in ". " or len(part.encode()) > 200 for part in parts):
            return "which is no name for a file on every system"
        if any(part.split(".")[0].strip().upper() in DEVICES for part in parts):
            return "which is a device on Windows"
    if stat.S_IFMT(member.external_attr >> 16) not in (0, stat.S_IFREG):
        return "which is a link or a device"
    if member.flag_bits & 1:
        return "which is locked with a password"
    if member.compress_type not in METHODS:
        return "which is packed in a way that is neither stored nor deflated"
    return None
