"""OpenVINO is ready for many threads when it is handed out."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
N_TRIES = 8
AT_ONCE = """
import sys, threading
from models.openvino_graph import silent_openvino

openvino, together = silent_openvino(), threading.Barrier(4)

def first_patch():
    together.wait()
    openvino.Type.u8.to_dtype()  # what handing over an array begins with

sys.setswitchinterval(1e-6)
threads = [threading.Thread(target=first_patch) for _ in range(4)]
for thread in threads:
    thread.start()
"""


def test_the_first_patches_may_come_on_several_threads_at_once() -> None:
    # Unprepared, every second try hung with the interpreter's lock held; hence several tries, each a new process.
    tries = [subprocess.Popen([sys.executable, "-c", AT_ONCE], cwd=ROOT) for _ in range(N_TRIES)]
    try:
        assert [one.wait(60) for one in tries] == [0] * N_TRIES
    finally:
        for one in tries:
            one.kill()
            one.wait()
