import assert from 'node:assert/strict';
import { after, before, describe } from 'node:test';
import { pathToFileURL } from 'node:url';

const KEEP_ALIVE_MS = 60_000;

const GLOBALS = ['Date', 'setTimeout', 'setInterval', 'setImmediate', 'fetch'] as const;
const EVENTS = ['SIGTERM', 'SIGINT', 'SIGHUP', 'uncaughtException', 'unhandledRejection', 'message'];

/**
 * Runs test files in this process, one after the other, each as a suite that has its path for a name. After each it is looked for what it would
 * leave to the next.
 */
export function runInOneProcess(root: string, files: readonly string[]): void {
  // Some tests wait for what keeps no process alive by itself, and would end with what the file before them happened to leave.
  const alive = setInterval(() => {}, KEEP_ALIVE_MS);
  const loading: Promise<void>[] = [];
  // While modules are loaded nothing else comes to its turn in time.
  before(() => Promise.all(loading));
  after(() => clearInterval(alive));
  for (const file of files)
    describe(file, () => {
      const loaded = load(pathToFileURL(`${root}/${file}`).href);
      loading.push(loaded);
      return loaded;
    });

  async function load(url: string): Promise<void> {
    let found: ReadonlyMap<string, unknown>;
    before(() => {
      found = stateOfProcess();
    });
    await import(url);
    // After the hooks of the file.
    after(() => assert.deepEqual(changesSince(found), [], 'a test file has to put back what it changes'));
  }
}

function stateOfProcess(): Map<string, unknown> {
  const state = new Map<string, unknown>(
    Object.entries(process.env).map(([name, value]) => [`the variable ${name} of the environment`, value]),
  );
  for (const name of GLOBALS) state.set(name, globalThis[name]);
  for (const event of EVENTS) state.set(`listeners of ${event}`, process.listenerCount(event));
  return state
    .set('Date.now', Date.now)
    .set('Math.random', Math.random)
    .set('performance.now', performance.now)
    .set('process.stdout.write', process.stdout.write)
    .set('process.stderr.write', process.stderr.write)
    .set('process.exitCode', process.exitCode)
    .set('the working directory', process.cwd());
}

/** Names alone: what the environment holds is nobody's business. */
function changesSince(old: ReadonlyMap<string, unknown>): string[] {
  const now = stateOfProcess();
  return [...new Set([...old.keys(), ...now.keys()])].filter((key) => old.get(key) !== now.get(key));
}
