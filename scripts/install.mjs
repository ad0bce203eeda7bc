// Runs on any Node from 20 on, with nothing installed: Node's own modules only.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The root of the repository. */
export const root = dirname(dirname(fileURLToPath(import.meta.url)));

const OLDEST_NODE = 24;
const windows = process.platform === 'win32';

/**
 * Installs what is missing and returns the path of a Node.js that can run the sources: the one that the package `node`
 * brings, else the running one. Ends the process with status 1, and a text that helps, when neither is there.
 */
export function installedNode() {
  if (!isInstalled()) install();
  return findNode();
}

/** The path of a program that a dev dependency brings. */
export function program(name) {
  return join(root, 'node_modules', '.bin', windows ? `${name}.cmd` : name);
}

/** Whether every package of the lock file that this machine needs lies in node_modules, in the version of the lock file. */
function isInstalled() {
  const hidden = join(root, 'node_modules', '.package-lock.json');
  if (!existsSync(hidden)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const present = JSON.parse(readFileSync(hidden, 'utf8')).packages;
  for (const [place, entry] of Object.entries(wanted)) {
    // Optional packages are for one platform each: npm leaves the others out.
    if (place === '' || entry.optional || entry.devOptional || entry.peer) continue;
    if (present[place]?.version !== entry.version) return false;
  }
  return true;
}

function install() {
  const fresh = !existsSync(join(root, 'node_modules'));
  console.log(
    fresh ? 'Installing dependencies (once, about half a minute) ...' : 'Installing what is missing ...',
  );
  // `npm ci` first, because it changes no file; it refuses a lock file that it calls incomplete, where `npm install` goes on.
  const tries = fresh ? [['ci'], ['install', '--no-save']] : [['install', '--no-save']];
  let output = '';
  for (const command of tries) {
    const result = spawnSync('npm', [...command, '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd: root,
      encoding: 'utf8',
      shell: windows,
      env: { ...process.env, NODE_ENV: 'development' },
    });
    if (result.status === 0) return;
    if (result.error) output += `${result.error.message}\n`;
    output += `${result.stdout ?? ''}${result.stderr ?? ''}`;
  }
  console.error(`${output.trim()}\n\nnpm could not install the dependencies; its words are above.`);
  process.exit(1);
}

function findNode() {
  const bundled = join(root, 'node_modules', 'node', 'bin', windows ? 'node.exe' : 'node');
  const found = existsSync(bundled) ? major(bundled) : 0;
  if (found >= OLDEST_NODE) return bundled;
  if (Number.parseInt(process.versions.node, 10) >= OLDEST_NODE) return process.execPath;
  console.error(
    `Portcullis needs Node.js ${OLDEST_NODE} or later; this is ${process.version}.\n` +
      `A clone brings its own by the npm package "node", but its program ${bundled} ${found ? `is version ${found}` : 'is not there or does not run'}.\n` +
      'npm has perhaps been told to run no install scripts. Either allow this one:\n' +
      '  npm rebuild node --ignore-scripts=false\n' +
      `or install Node.js ${OLDEST_NODE} (https://nodejs.org) and run the command again.`,
  );
  process.exit(1);
}

function major(node) {
  const result = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return result.status === 0 ? Number.parseInt(result.stdout.slice(1), 10) : 0;
}
