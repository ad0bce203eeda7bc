// `npm run build`: the published form of the sources, JavaScript and types, in dist/.
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { installedNode, program, root } from './install.mjs';

installedNode();
rmSync(join(root, 'dist'), { recursive: true, force: true });
const result = spawnSync(program('tsc'), ['-p', 'tsconfig.build.json'], {
  cwd: root,
  stdio: 'inherit',
  shell: process.platform === 'win32',
});
process.exitCode = result.status ?? 1;
