import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';

/** Where a process runs: the proxy under test has one core, generator and upstream have the other. */
export type Core = 'proxy' | 'load' | 'any';

export interface StartOptions {
  readonly core: Core;
  /** File that receives stdout and stderr. */
  readonly log: string;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that the bench started and that it alone ends, by its handle. */
export interface Running {
  readonly pid: number;
  readonly name: string;
  readonly log: string;
  readonly child: ChildProcess;
  /** Settles when the process has ended. */
  readonly ended: Promise<void>;
}

/** Owns every child process, so that one call ends them all: at the end, after an error and on Ctrl-C. */
export class Processes {
  readonly #running = new Set<Running>();
  readonly pinned: boolean;

  constructor(pinned: boolean) {
    this.pinned = pinned && availableParallelism() > 1;
  }

  /** The command that runs `command` on a core; unchanged where processes cannot be pinned. */
  pin(core: Core, command: readonly string[]): string[] {
    if (!this.pinned || core === 'any') return [...command];
    return ['taskset', '-c', core === 'proxy' ? '0' : '1', ...command];
  }

  /** Starts a process that runs until `stop`. `taskset` and `sh -c "exec ..."` replace themselves, so the pid is the program's. */
  start(name: string, command: readonly string[], options: StartOptions): Running {
    const log = openSync(options.log, 'a');
    const [file = '', ...args] = this.pin(options.core, command);
    // A benchmark of ten thousand connections needs twice as many descriptors; the soft limit is often 1024.
    const raised = ['-c', 'ulimit -S -n "$(ulimit -H -n)"; exec "$@"', 'sh', file, ...args];
    const child = spawn('/bin/sh', raised, {
      stdio: ['ignore', log, log],
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
    });
    closeSync(log);
    const ended = new Promise<void>((resolve) => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    const running = { pid: child.pid ?? -1, name, log: options.log, child, ended };
    this.#running.add(running);
    void ended.then(() => this.#running.delete(running));
    return running;
  }

  /** SIGTERM, then SIGKILL after `graceMs`. Processes that the program left behind itself are ended too. */
  async stop(running: Running, graceMs = 3000): Promise<void> {
    const family = processTree(running.pid);
    running.child.kill('SIGTERM');
    const late = setTimeout(() => running.child.kill('SIGKILL'), graceMs);
    await running.ended;
    clearTimeout(late);
    for (const pid of family) {
      if (pid !== running.pid && parentOf(pid) === 1) killQuietly(pid);
    }
  }

  async stopAll(): Promise<void> {
    await Promise.all([...this.#running].map((running) => this.stop(running, 1500)));
  }
}

/** Output of a command that ends by itself; `undefined` exit code when it could not be started or took too long. */
export async function runToEnd(
  command: readonly string[],
  limitMs: number,
  env: Readonly<Record<string, string>> = {},
): Promise<{ code: number | undefined; output: string; errors: string }> {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const limit = setTimeout(() => child.kill('SIGKILL'), limitMs);
  const code = await new Promise<number | undefined>((resolve) => {
    child.once('close', (value) => resolve(value ?? undefined));
    child.once('error', (error) => {
      errors += error.message;
      resolve(undefined);
    });
  });
  clearTimeout(limit);
  return { code, output, errors };
}

/** The program's path when it is installed, else undefined. /usr/sbin is searched too, since it is often not in PATH. */
export async function findProgram(name: string): Promise<string | undefined> {
  const PATH = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
  const { code, output } = await runToEnd(['/bin/sh', '-c', 'command -v "$0"', name], 5000, { PATH });
  const path = output.trim();
  return code === 0 && path !== '' ? path : undefined;
}

interface Stat {
  readonly parent: number;
  /** utime + stime in clock ticks, all threads. */
  readonly ticks: number;
}

/** Linux: proc_pid_stat(5). The command's name may hold blanks and brackets, so the fields are counted behind the last one. */
function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return undefined;
  }
}

function parentOf(pid: number): number | undefined {
  return readStat(pid)?.parent;
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It ended by itself meanwhile.
  }
}

/** The process and everything below it. */
export function processTree(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const parent = parentOf(pid);
    if (parent === undefined) continue;
    const siblings = children.get(parent);
    if (siblings) siblings.push(pid);
    else children.set(parent, [pid]);
  }
  const tree: number[] = [];
  const open = [root];
  for (let pid = open.pop(); pid !== undefined; pid = open.pop()) {
    tree.push(pid);
    open.push(...(children.get(pid) ?? []));
  }
  return tree;
}

/** Linux counts in USER_HZ, which is 100 on every architecture that Node runs on. */
const TICK_US = 10_000;

/** CPU time of the process, its threads and its living children, in microseconds; resolution 10 ms. */
export function cpuTimeUs(root: number): number {
  let ticks = 0;
  for (const pid of processTree(root)) ticks += readStat(pid)?.ticks ?? 0;
  return ticks * TICK_US;
}

/** Resident memory of the process and its children, in bytes; pages that they share are counted for each. */
export function residentBytes(root: number): number {
  let total = 0;
  for (const pid of processTree(root)) {
    try {
      const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
      total += Number(kb ?? 0) * 1024;
    } catch {
      // The process ended meanwhile.
    }
  }
  return total;
}

/** Waits until `probe` gives a value; an Error with the end of the log when it does not within `limitMs` or the process ends. */
export async function until<T>(
  running: Running,
  what: string,
  limitMs: number,
  probe: () => Promise<T | undefined>,
): Promise<T> {
  const deadline = Date.now() + limitMs;
  let alive = true;
  void running.ended.then(() => (alive = false));
  while (alive && Date.now() < deadline) {
    const value = await probe().catch(() => undefined);
    if (value !== undefined) return value;
    await wait(25);
  }
  const log = readFileSync(running.log, 'utf8').trim().split('\n').slice(-6).join('\n');
  throw new Error(
    `${running.name} ${alive ? `was not ${what} within ${limitMs} ms` : 'ended'}: ${log || 'it printed nothing'}`,
  );
}
