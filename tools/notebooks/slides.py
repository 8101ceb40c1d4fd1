"""The notebooks as slides, for a projector: ``python course.py slides 02``. Nothing is asked of the network.

The slides are the notebook itself, shown by jupyterlab-rise, and its cells run as ever (Shift+Enter). Without a name
JupyterLab opens on the folder, where each notebook has a button for its slides. Where a slide begins is the rule of
`tools/notebooks/slide_types.py`; how it looks is `notebooks/rise.css`.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SETTINGS = {
    "jupyterlab-rise:plugin": {
        "theme": "white",  # the default one fetches its letters from the network
        "transition": "none", "slideNumber": "c/t", "center": False, "scroll": False, "auto_select": "code"},
    "@jupyterlab/notebook-extension:tracker": {"codeCellConfig": {"lineNumbers": False, "lineWrap": True}},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},  # what is typed in the hall stays out of the file
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
OWN = ("default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; frame-ancestors 'self'; "
       "connect-src 'self' data: blob: ws://127.0.0.1:*")
# Without it, the labs would be still pictures on the slides, and keys dead until a cell is clicked.
BRIDGE = """// The widgets ask for JupyterLab's console, which the page of the slides lacks: its name is enough for them.
(window._JUPYTERLAB ??= {})["course-slides"] = {
  init(shared) {
    shared["@jupyterlab/console"] ??= {"4.0.0": {from: "course-slides", loaded: 1, get: async () => {
      const { Token } = (await Object.values(shared["@lumino/coreutils"])[0].get())();
      const console = { IConsoleTracker: new Token("@jupyterlab/console:IConsoleTracker") };
      return () => console;
    }}};
  },
  get: async () => () => ({ __esModule: true, default: [{ id: "course-slides:keys", autoStart: true, activate }] }),
};

// On a slide Shift+Enter runs the cell and stays: JupyterLab goes on to the next cell, which is on the next slide.
function activate({ commands }) {
  if (!location.pathname.includes("/rise/")) return;
  const notebook = ".lm-Widget.reveal .jp-Notebook";
  const places = ["body", `${notebook}:focus`, `${notebook}.jp-mod-editMode`, `${notebook}.jp-mod-commandMode :focus`];
  for (const selector of places)
    commands.addKeyBinding({ command: "notebook:run-cell", keys: ["Shift Enter"], selector });
  const grow = () => Math.max(1, Math.min(innerWidth / 1280, innerHeight / 720));
  const fit = () => document.documentElement.style.setProperty("--grow", grow());
  addEventListener("resize", fit);
  fit();
  // A slide that is too high gets smaller pictures and, where that is not enough, smaller letters.
  const shrink = () => {
    const slide = document.querySelector("section.present > section.present");
    for (const [name, least] of [["--picture", 75], ["--letters", 68]]) {
      slide.style.setProperty(name, 1);
      for (let size = 100; size > least && slide.scrollHeight > slide.clientHeight + 1;)
        slide.style.setProperty(name, (size -= 2) / 100);
    }
  };
  const sizes = new ResizeObserver(() => requestAnimationFrame(shrink));
  const watch = () => {
    sizes.disconnect();
    for (const cell of document.querySelectorAll("section.present > section.present .jp-Cell")) sizes.observe(cell);
  };
  for (const event of ["ready", "slidechanged"]) addEventListener(event, watch);
  // "?" is another key on each keyboard, and where it is Shift+/ the slides would turn black.
  addEventListener("keydown", event => {
    if (event.key !== "?" || event.target.closest("input, textarea, [contenteditable=true]")) return;
    event.stopImmediatePropagation();
    commands.execute("RISE:riseHelp");
  }, true);
}
"""


def write_settings(folder):
    """Write what the server and its pages are told, as a folder of Jupyter's configuration."""
    (folder / "labconfig").mkdir()
    (folder / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(SETTINGS), encoding="utf-8")
    bridge = folder / "labextensions" / "course-slides"
    (bridge / "static").mkdir(parents=True)
    (bridge / "static" / "bridge.js").write_text(BRIDGE, encoding="utf-8")
    build = {"load": "static/bridge.js", "extension": "./extension"}
    (bridge / "package.json").write_text(json.dumps({
        "name": "course-slides", "version": "1.0.0", "jupyterlab": {"extension": True, "_build": build}}), encoding="utf-8")
    more = {"extra_labextensions_path": [str(bridge.parent)]}
    server = {"ServerApp": {"ip": "127.0.0.1", "tornado_settings": {"headers": {"Content-Security-Policy": OWN}}},
              "LabApp": {"news_url": None, "extension_manager": "readonly", **more}, "RiseApp": more}
    (folder / "jupyter_server_config.json").write_text(json.dumps(server), encoding="utf-8")


def environment(folder):
    """The environment in which JupyterLab finds those settings."""
    path = os.environ.get("JUPYTER_CONFIG_PATH")
    return {**os.environ, "JUPYTER_CONFIG_PATH": os.pathsep.join([str(folder), *([path] if path else [])])}


def command(root, name=None):
    """What starts JupyterLab on the slides of a notebook, or on the folder if none is named."""
    root_user = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []  # in a container; the token stays
    page = [f"--LabApp.default_url=/rise/{name}"] if name else []
    return [sys.executable, "-m", "jupyterlab", f"--ServerApp.root_dir={root}", *page, *root_user]


def main(arguments):
    """Open the slides of the notebook whose name begins with the first argument; options of JupyterLab may follow."""
    wanted, options = [a for a in arguments if not a.startswith("-")], [a for a in arguments if a.startswith("-")]
    names = sorted(p.relative_to(NOTEBOOKS).as_posix() for p in NOTEBOOKS.rglob("*.ipynb"))
    chosen = [name for name in names if wanted and name.startswith(wanted[0])]
    if wanted and not chosen:
        print(f"No notebook begins with {wanted[0]}. There are:", *names, sep="\n  ", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as settings:
        write_settings(Path(settings))
        return follow(command(NOTEBOOKS, *chosen[:1]) + options, environment(settings))


def follow(command, environment):
    """Run JupyterLab to its end; Ctrl+C reaches it too, and it closes its kernels then."""
    child = subprocess.Popen(command, env=environment)
    while True:
        try:
            return child.wait()
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
