// `npm test`: installs what is missing, then runs every test. Arguments go to the runner: `npm test -- src/http/*.test.ts`.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { installedNode, root } from './install.mjs';
import { planTests } from './test-plan.mjs';

/** Of one test. For its process see test-limit.mjs. */
const TEST_TIMEOUT_MS = 120_000;
/** Of the whole run, should a process of tests never come to its own limit. */
const RUN_TIMEOUT_MS = 30 * 60_000;

const node = installedNode();
const own = process.argv.slice(2);
const named = own.some((argument) => !argument.startsWith('-'));
// Tests put their files here, so that a test that is killed leaves none behind.
const directory = mkdtempSync(join(tmpdir(), 'portcullis-test-'));
const group = process.platform !== 'win32';

const runner = spawn(
  node,
  [
    '--test',
    `--test-concurrency=${Math.max(1, Math.min(availableParallelism(), 4))}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
    `--import=${new URL('test-limit.mjs', import.meta.url).href}`,
    ...own,
    ...(named ? [] : planTests(root, directory)),
  ],
  {
    cwd: root,
    stdio: 'inherit',
    // A group of its own, so that what it leaves behind can be found.
    detached: group,
    env: {
      ...process.env,
      TMPDIR: directory,
      // Many processes load the same sources: what one has stripped of types and compiled is there for the next.
      NODE_COMPILE_CACHE: join(directory, 'compile-cache'),
      PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}`,
    },
  },
);

const limit = setTimeout(() => {
  console.error(`The tests still run after ${RUN_TIMEOUT_MS / 60_000} minutes; they are ended.`);
  kill('SIGKILL');
}, RUN_TIMEOUT_MS);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => kill(signal));

runner.on('error', (error) => finish(1, `The test runner did not start: ${error.message}`));
runner.on('exit', (code, signal) => void ended(code, signal));

async function ended(code, signal) {
  const left = await leftBehind();
  if (left !== undefined) finish(1, `A test left a process behind; it was killed.\n${left}`);
  else finish(code ?? 1, signal ? `The test runner was ended by ${signal}.` : undefined);
}

/** Ends what the runner left, and tells what that was; undefined when it left nothing. */
async function leftBehind() {
  if (!group) return undefined;
  // What a test just killed takes a moment to be gone.
  for (let i = 0; i < 30 && kill(0); i++) await delay(100);
  if (!kill(0)) return undefined;
  const all = spawnSync('ps', ['-A', '-o', 'pgid=,pid=,stat=,args='], { encoding: 'utf8' }).stdout ?? '';
  kill('SIGKILL');
  return all
    .split('\n')
    .filter((line) => Number.parseInt(line, 10) === runner.pid)
    .join('\n');
}

/** Sends a signal to the runner and everything that it started; false when nothing of it is there. */
function kill(signal) {
  try {
    const pid = Number(runner.pid);
    return process.kill(group ? -pid : pid, signal);
  } catch {
    return false;
  }
}

function finish(code, text) {
  clearTimeout(limit);
  rmSync(directory, { recursive: true, force: true });
  if (text) console.error(text);
  process.exitCode = code;
}
