import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** How a target treats requests. */
export interface TargetBehaviour {
  /** Until its answer. */
  readonly delayMs?: number;
  /** Of its answers; 200 when it is not given. */
  readonly status?: number;
  /** It resets the connection instead of answering. */
  readonly reset?: boolean;
}

const PROGRAM = new URL('./target-process.ts', import.meta.url);

/** A target of a service: a process of its own, so that it can be killed. Each answer names it in `x-target`. */
export class RunningTarget implements AsyncDisposable {
  readonly port: number;
  readonly #child: ChildProcess;

  /** `port` 0 is any that is free. */
  static async start(behaviour: TargetBehaviour = {}, port = 0): Promise<RunningTarget> {
    const child = fork(PROGRAM, [String(port), JSON.stringify(behaviour)]);
    const [told] = (await once(child, 'message')) as [{ port: number }];
    return new RunningTarget(child, told.port);
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.port = port;
  }

  /** As `x-target` has it. */
  get name(): string {
    return String(this.port);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Resolves when requests are treated so. */
  async behave(behaviour: TargetBehaviour): Promise<void> {
    this.#child.send(behaviour);
    await once(this.#child, 'message');
  }

  /** When each request came until now, in milliseconds since 1970, on a clock that does not jump. */
  async arrivals(): Promise<readonly number[]> {
    this.#child.send('arrivals');
    return ((await once(this.#child, 'message')) as [number[]])[0];
  }

  /** Ends it in the middle of whatever it does. Resolves when it is gone. */
  async kill(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await gone;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.kill();
  }
}

/** When each request came to any of these targets until now, as `arrivals`. */
export async function arrivalsAt(targets: readonly RunningTarget[]): Promise<number[]> {
  return (await Promise.all(targets.map((target) => target.arrivals()))).flat();
}

/** So many targets, which end with `stack`. */
export async function startTargets(
  stack: AsyncDisposableStack,
  count: number,
  behaviour: TargetBehaviour = {},
): Promise<RunningTarget[]> {
  const targets: RunningTarget[] = [];
  for (let i = 0; i < count; i++) targets.push(stack.use(await RunningTarget.start(behaviour)));
  return targets;
}
