import os
import subprocess
import sys
from pathlib import Path

TRAINING = Path(__file__).parents[1]


def test_a_run_goes_on_when_nobody_reads_its_progress():
    reader, writer = os.pipe()
    os.close(reader)
    program = "from unsam_training.progress import tell\nfor _ in range(3): tell('step')\nprint('done')"
    result = subprocess.run(
        [sys.executable, "-c", program], cwd=TRAINING, stdout=subprocess.PIPE, stderr=writer, text=True
    )
    os.close(writer)
    assert (result.returncode, result.stdout) == (0, "done\n")
