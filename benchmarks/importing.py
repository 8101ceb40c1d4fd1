"""What `import unet_course` costs on top of `import torch`."""

import statistics
import subprocess
import sys


def main(quick=False):
    """CPU seconds, medians over new processes started in turns; return what results/importing.json holds."""
    spent = {"torch": [], "unet_course": []}
    for _ in range(2 if quick else 9):
        for name, times in spent.items():
            code = f"import time; t = time.process_time(); import {name}; print(time.process_time() - t)"
            out = subprocess.run([sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True)
            times.append(float(out.stdout))
    result = {name: round(statistics.median(times), 3) for name, times in spent.items()}
    print(f"  import torch {result['torch']:.2f} s, import unet_course {result['unet_course']:.2f} s")
    return result
