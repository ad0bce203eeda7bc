// `npm run bench`: installs what is missing, then measures the gateway and its peers. Arguments go to the benchmark.
import { spawn } from 'node:child_process';
import { installedNode, root } from './install.mjs';

const benchmark = spawn(installedNode(), ['bench/run.ts', ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});
// The terminal sends Ctrl-C to the benchmark too, which stops what it started; this process waits for it.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => benchmark.kill('SIGTERM'));
benchmark.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
benchmark.on('exit', (code) => {
  process.exitCode = code ?? 1;
});
