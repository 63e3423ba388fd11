"""OpenVINO is ready for many threads when it is handed out, and gives memory back when it rests."""

import subprocess
import sys
from pathlib import Path

from torch import nn

from models.checkpoint import save_checkpoint
from models.torch_process import TorchProcess

ROOT = Path(__file__).parents[2]
N_TRIES = 8
MIB = 1 << 20
AT_REST = """
import contextlib, re, sys, threading
from pathlib import Path
import numpy as np
from models.openvino_graph import CompiledGraph

def held():
    return int(re.search(r"^VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text(), re.MULTILINE)[1]) << 10

graph, patches = CompiledGraph(Path(sys.argv[1])), np.zeros((16, 224, 224, 3), np.uint8)
before = [graph.run(patches) for _ in range(graph.n_streams)][0][0]
after = []
thread = threading.Thread(target=lambda: after.append(graph.run(patches)[0]))
working = held()
with graph.at_rest():
    given_back = working - held()
    thread.start()
    thread.join(0.2)
    n_meanwhile = len(after)
thread.join()
for _ in range(2):
    with contextlib.suppress(RuntimeError), graph.at_rest():
        raise RuntimeError("what it rested for failed")
again = graph.run(patches)[0]
print(given_back, n_meanwhile, np.array_equal(before, after[0]) and np.array_equal(before, again))
"""
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


def test_at_rest_a_graph_gives_memory_back_and_whoever_comes_waits(network: nn.Module, tmp_path: Path) -> None:
    save_checkpoint(network, tmp_path / "weights.safetensors")
    graph = tmp_path / "graph.xml"
    TorchProcess(tmp_path / "weights.safetensors").export(graph)
    command = [sys.executable, "-c", AT_REST, str(graph)]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    given_back, n_meanwhile, is_same = told.stdout.split()
    assert int(given_back) > 50 * MIB
    assert (n_meanwhile, is_same) == ("0", "True")
