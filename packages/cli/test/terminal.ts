import { spawnSync } from "node:child_process";
import { inRepository } from "@unsam/test-support";

// Runs a command in a terminal of its own, of a size that may change while it runs. The first line that is printed is
// its exit code, the rest is what the terminal was sent.
const PTY = `
import fcntl, os, pty, select, struct, sys, termios, time
rows, columns, later, limit, shrink = (float(text) for text in sys.argv[1:6])
def resize(fd, rows, columns):
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", int(rows), int(columns), 0, 0))
pid, fd = pty.fork()
if pid == 0:
    resize(0, rows, columns)
    os.execvp(sys.argv[6], sys.argv[6:])
start, output, ended = time.monotonic(), b"", False
while True:
    passed = time.monotonic() - start
    if later > 0 and passed > later:
        resize(fd, 0, shrink)
        later = 0
    if passed > limit:
        os.kill(pid, 9)
    if select.select([fd], [], [], 0.05)[0]:
        try:
            piece = os.read(fd, 65536)
        except OSError:
            break
        if not piece:
            break
        output += piece
print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
sys.stdout.buffer.write(output)
`;

const PYTHON = ["/usr/bin/python3", "python3"].find(
  (command) => spawnSync(command, ["-c", "import pty, os; os.waitstatus_to_exitcode"]).status === 0,
);

/** Whether terminals can be made here. */
export const hasTerminals = PYTHON !== undefined;
if (!hasTerminals) process.stderr.write("Tests in terminals are skipped: there is no Python 3.9 with pty.\n");

export interface Terminal {
  readonly rows: number;
  readonly columns: number;
  /** Columns that the terminal is changed to after half a second. */
  readonly shrinkTo?: number;
  readonly env?: NodeJS.ProcessEnv;
}

export function inTerminal(command: readonly string[], { rows, columns, shrinkTo, env }: Terminal) {
  const later = shrinkTo === undefined ? 0 : 0.5;
  const sizes = [rows, columns, later, 60, shrinkTo ?? 0].map(String);
  const { CI: _, NO_COLOR: __, FORCE_COLOR: ___, ...clean } = process.env;
  const { stdout } = spawnSync(PYTHON!, ["-c", PTY, ...sizes, ...command], {
    cwd: inRepository("packages", "cli"),
    env: { ...clean, TERM: "xterm-256color", ...env },
    maxBuffer: 2 ** 26,
  });
  const text = stdout.toString();
  const end = text.indexOf("\n");
  return { code: Number(text.slice(0, end)), output: text.slice(end + 1) };
}
