// `npm run check`: every static check, each to its end, so that one run tells everything. A check's output shows when it fails.
import { spawnSync } from 'node:child_process';
import { delimiter, dirname } from 'node:path';
import { installedNode, program, root } from './install.mjs';

const node = installedNode();

const CHECKS = [
  ['types', program('tsc'), '--noEmit', '-p', '.'],
  ['formatting', program('biome'), 'check'],
  ['lint', program('oxlint'), '--type-aware', '--deny-warnings'],
  ['unused code', program('knip')],
  ['build', node, 'scripts/build.mjs'],
  ['package', program('publint'), '--strict'],
];

let failed = 0;
for (const [name, command, ...options] of CHECKS) {
  const started = performance.now();
  const result = spawnSync(command, options, {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    shell: process.platform === 'win32',
    // The programs' first lines ask for `node`: they are to find the one that fits.
    env: { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` },
  });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const passed = result.status === 0;
  console.log(`${passed ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)`);
  if (passed) continue;
  failed += 1;
  console.log(`${result.error?.message ?? ''}${result.stdout ?? ''}${result.stderr ?? ''}`);
}
console.log(failed === 0 ? 'Every check passed.' : `${failed} of ${CHECKS.length} checks failed.`);
process.exitCode = failed === 0 ? 0 : 1;
