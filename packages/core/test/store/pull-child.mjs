// Pulls a model in a process of its own, for processes.test.ts: pull-child.mjs CORE_DIST NAME OWN_CACHE
const [core, name, cacheDir] = process.argv.slice(2);
const { pullModel } = await import(core);
const tell = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
try {
  const onProgress = ({ phase, bytes }) => tell({ phase, bytes });
  tell({ pulled: await pullModel(name, { cacheDir, onProgress, retryMs: 1 }) });
} catch (error) {
  tell({ code: error.code, message: error.message });
  process.exitCode = 1;
}
