import type { TestContext } from 'node:test';
import { TargetCell } from '../cells.ts';
import type { Source, SourceObserver } from '../discovery/source.ts';
import type { TargetDescription } from '../discovery/target-description.ts';
import { type CheckOutcome, failed, PASSED } from '../health/probe.ts';
import { activeHealthSchema } from '../health/schema.ts';
import { outlierSchema } from '../outlier/schema.ts';
import type { TargetsMessage } from '../targets-message.ts';
import type { ControlledService } from './settings.ts';
import { UpstreamControl } from './upstream-control.ts';

/** A source that says what the test has it say. */
export class PlayedSource implements Source {
  readonly service: string;
  state: 'made' | 'started' | 'closed' = 'made';
  readonly #observer: SourceObserver;

  constructor(service: string, observer: SourceObserver) {
    this.service = service;
    this.#observer = observer;
  }

  start(): void {
    this.state = 'started';
  }

  close(): void {
    this.state = 'closed';
  }

  tell(...targets: (string | TargetDescription)[]): void {
    this.#observer.targets(
      targets.map((target) => (typeof target === 'string' ? { url: target, weight: 1 } : target)),
    );
  }

  fail(cause: string): void {
    this.#observer.failed(cause);
  }
}

/** What the main thread does for services, with sources and checks that the test plays, on a clock that stands still until it is moved. */
export class ControlPlay {
  readonly control: UpstreamControl;
  readonly sources: PlayedSource[] = [];
  readonly #events: string[] = [];
  readonly #messages = new Map<string, TargetsMessage>();
  readonly #underWay = new Map<string, (outcome: CheckOutcome) => void>();
  readonly #context: TestContext;

  constructor(t: TestContext) {
    this.#context = t;
    t.mock.timers.enable({ apis: ['setTimeout', 'setInterval', 'Date'], now: 1_000_000 });
    t.after(() => this.control.close());
    const tell = (event: string): void => {
      this.#events.push(event);
    };
    this.control = new UpstreamControl({
      nowMs: () => Date.now(),
      random: () => 0.5,
      makeSource: (_, service, observer) => {
        const source = new PlayedSource(service, observer);
        this.sources.push(source);
        return source;
      },
      publish: (news) => {
        const name = nameOf(news.key);
        if (news.kind === 'targetsGone') {
          this.#messages.delete(news.key);
          return tell(`${name} is gone`);
        }
        this.#messages.set(news.key, news);
        return tell(
          `${name} is at ${news.targets.map(({ description }) => shortOf(description.url)).join(', ')}`,
        );
      },
      compileProbe: (settings) => (url) => (settle) => {
        const check = `${shortOf(url)}${settings.type === 'http' && settings.path !== '/' ? settings.path : ''}`;
        this.#underWay.set(check, settle);
        tell(`check of ${check}`);
        return () => {
          // The next version of a service may check it already.
          if (this.#underWay.get(check) === settle) this.#underWay.delete(check);
        };
      },
      observer: {
        targetUp: (service, target, again) =>
          tell(`${service}: ${shortOf(target)} is up${again ? ' again' : ''}`),
        targetDown: (service, target, cause) => tell(`${service}: ${shortOf(target)} is down: ${cause}`),
        outlier: (service, { kind, target }) =>
          tell(`${service}: ${kind} of ${shortOf(target.description.url)}`),
        targetsChanged: (service, { added, removed, total }) =>
          tell(`${service}: +[${added.map(shortOf).join()}] -[${removed.map(shortOf).join()}] of ${total}`),
        sourceFailed: (service, cause) => tell(`${service}: its source failed: ${cause}`),
        sourceRecovered: (service) => tell(`${service}: its source recovered`),
      },
    });
  }

  /** What happened since the last look. */
  told(): string[] {
    return this.#events.splice(0);
  }

  async apply(services: Readonly<Record<string, ControlledService>>): Promise<void> {
    this.control.commit(await this.control.prepare(services));
  }

  pass(ms: number): void {
    this.#context.mock.timers.tick(ms);
  }

  /** Ends the check of a target that is under way, with success unless there is a cause. */
  end(check: string, cause?: string): void {
    const settle = this.#underWay.get(check);
    if (settle === undefined) throw new Error(`no check of ${check} is under way`);
    this.#underWay.delete(check);
    settle(cause === undefined ? PASSED : failed(cause));
  }

  get checksUnderWay(): number {
    return this.#underWay.size;
  }

  /** The cell of a target as the workers have it, by the last message of the service. */
  cell(service: string, target: string): TargetCell {
    const message = [...this.#messages.values()].findLast(({ key }) => nameOf(key) === service);
    const found = message?.targets.find(({ description }) => shortOf(description.url) === target);
    if (found === undefined) throw new Error(`${service} has no target ${target}`);
    return new TargetCell(found.cell, 1);
  }
}

/** A service whose targets are `http://a` and the like. */
export function serviceAt(
  targets: readonly string[],
  { active, passive, ...rest }: { active?: object; passive?: object } & Partial<ControlledService> = {},
): ControlledService {
  return {
    host: 'preserve',
    targets: targets.map((name) => ({ url: `http://${name}`, weight: 1 })),
    health: {
      active: active && activeHealthSchema.parse(active),
      passive: passive && outlierSchema.parse(passive),
    },
    ...rest,
  };
}

/** A service whose targets come from a source. */
export function serviceFrom(
  file: string,
  options: { active?: object; passive?: object } & Partial<ControlledService> = {},
): ControlledService {
  return { ...serviceAt([], options), targets: undefined, discovery: { file: { path: file } } };
}

function nameOf(key: string): string {
  return key.slice(0, key.indexOf(':'));
}

function shortOf(url: string): string {
  return url.replace('http://', '');
}
