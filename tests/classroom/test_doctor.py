"""The doctor finds nothing on a sound machine, and names what is off on another."""

import os
import subprocess
import sys

from unet_course.classroom import doctor


def test_sound_machine():
    run = subprocess.run([sys.executable, "-m", "unet_course", "doctor"], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    for what in ("Python", "torch", "device", "memory", "data", "trained weights", "ipywidgets", "JupyterLab"):
        assert f"  {what}" in run.stdout
    assert "The course runs here." in run.stdout


def test_damaged_data_is_named(monkeypatch, capsys):
    monkeypatch.setattr("unet_course.data.nuclei.verify_data", lambda: [("field_a_image.png", "field_a_image.png is damaged")])
    assert doctor.report() == 1
    assert "!!  data" in capsys.readouterr().out


def test_missing_package_is_named(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "_requirements", lambda: ["no-such-package>=1.0", "numpy>=999"])
    assert doctor.report() == 1
    printed = capsys.readouterr().out
    assert "pip install 'no-such-package>=1.0'" in printed and "pip install --upgrade 'numpy>=999'" in printed


def test_a_package_for_older_pythons_is_asked_for_there_only(monkeypatch):
    lines = ["numpy>=1.26", "tomli>=2; python_version < '3.3'", "toolz; python_version > '3.3'", "nbval; extra == 'test'"]
    monkeypatch.setattr("importlib.metadata.requires", lambda name: lines)
    assert doctor._requirements() == [lines[0], lines[2]]


def test_a_look_that_fails_is_reported(monkeypatch, capsys):
    def _forward():
        raise RuntimeError("torch is broken")

    monkeypatch.setattr(doctor, "_forward", _forward)
    assert doctor.report() == 1
    assert "torch is broken" in capsys.readouterr().out


def test_unknown_command_is_refused():
    run = subprocess.run([sys.executable, "-m", "unet_course", "docter"], capture_output=True, text=True)
    assert run.returncode == 2 and "doctor" in run.stderr


def test_it_runs_where_torch_is_missing(tmp_path):
    (tmp_path / "torch.py").write_text("raise ModuleNotFoundError('No module named torch', name='torch')")
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    command = [sys.executable, "-W", "ignore"]
    run = subprocess.run([*command, "-m", "unet_course", "doctor"], capture_output=True, text=True, env=environment)
    assert run.returncode == 1 and "Traceback" not in run.stderr and "!!  device" in run.stdout
    run = subprocess.run([*command, "-c", "from unet_course import UNet"], capture_output=True, text=True, env=environment)
    assert "UNet needs torch, which is not installed: pip install torch" in run.stderr
