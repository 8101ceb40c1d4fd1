"""A JupyterLab of the tests' own: on a free port of this machine, away from the user's settings; and the Chromium that looks at it."""

import contextlib
import os
import shutil
import socket
import subprocess
import time
import urllib.request

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--force-color-profile=srgb"]
TOKEN = "only-for-this-test"


@contextlib.contextmanager
def serving(command, folder, **environment):
    """Run a command that starts JupyterLab; its address, once it answers. `folder` takes what it writes for itself."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    calm = {**os.environ, "JUPYTER_PREFER_ENV_PATH": "1", "UNET_COURSE_PROGRESS": "off", "OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": "1",
            "JUPYTER_CONFIG_DIR": str(folder / "config"), "JUPYTER_DATA_DIR": str(folder / "data"), **environment}
    options = ["--no-browser", f"--ServerApp.port={port}", f"--IdentityProvider.token={TOKEN}"]
    with (folder / "server.log").open("w") as log, \
            subprocess.Popen([*command, *options], env=calm, stdout=log, stderr=log) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            while server.poll() is None:  # on a machine with other work it may take minutes
                try:
                    urllib.request.urlopen(f"{address}/api?token={TOKEN}", timeout=5).close()
                    break
                except OSError:
                    time.sleep(0.5)
            else:
                raise RuntimeError((folder / "server.log").read_text())
            yield address
        finally:
            server.terminate()
