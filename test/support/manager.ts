import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatErrors } from '../../src/control/config/format.ts';
import type { LoadedConfig } from '../../src/control/config/load.ts';
import type { ConfigError } from '../../src/control/config/problem.ts';
import { ConfigurationSource } from '../../src/control/manager/configuration-source.ts';
import type {
  StoredConfiguration,
  StoredConfigurationOptions,
} from '../../src/control/manager/stored-configuration.ts';
import { Reloader } from '../../src/control/reload/reloader.ts';
import { Changes } from './changes.ts';

/** A manager over a real store in a folder of its own; what it would put into force is kept instead. */
export interface TestManager extends AsyncDisposable {
  readonly manager: StoredConfiguration;
  readonly source: ConfigurationSource;
  readonly reloader: Reloader<LoadedConfig, ConfigError>;
  readonly directory: string;
  /** Of the configuration. */
  readonly file: string;
  /** What was put into force, the oldest first; without what was there at the start. */
  readonly applied: readonly LoadedConfig[];
  readonly log: readonly string[];
  /** Tells of everything that is applied or logged. */
  readonly changes: Changes;
  /** From now on the workers refuse with these reasons; none: they do not. */
  refuse(...reasons: string[]): void;
  close(): Promise<void>;
}

export interface TestManagerOptions extends Pick<StoredConfigurationOptions, 'record'> {
  /** Text of the configuration, in YAML; default: a service `users` and nothing else. */
  readonly config?: string;
  /** Default: one that is made, and taken away at the end. */
  readonly directory?: string;
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
}

const CONFIG = 'services: { users: { url: "http://127.0.0.1:9001" } }\n';

/** Without another configuration, the store is SQLite in the folder. */
export async function startManager(options: TestManagerOptions = {}): Promise<TestManager> {
  const directory = options.directory ?? (await mkdtemp(join(tmpdir(), 'portcullis-manager-')));
  const file = join(directory, 'portcullis.yaml');
  await writeFile(file, options.config ?? CONFIG);
  const log: string[] = [];
  const applied: LoadedConfig[] = [];
  const changes = new Changes();
  let refusal: readonly string[] = [];
  const note = (level: string, message: string): void => {
    log.push(`${level}: ${message}`);
    changes.tell();
  };
  const source = new ConfigurationSource({ file, env: options.env ?? {}, log: note });
  const close = async (): Promise<void> => {
    await source.close();
    if (options.directory === undefined) await rm(directory, { recursive: true, force: true });
  };
  try {
    const loaded = await source.load();
    assert.ok(loaded.ok, loaded.ok ? '' : formatErrors(loaded.errors));
    const reloader: Reloader<LoadedConfig, ConfigError> = new Reloader<LoadedConfig, ConfigError>(
      loaded.config,
      {
        load: () => source.load(),
        async apply(config) {
          if (refusal.length > 0) return { ok: false, reasons: refusal };
          applied.push(config);
          return { ok: true };
        },
        show: () => {},
        log: note,
        onOutcome: (outcome) => {
          manager.reloaded(outcome);
          changes.tell();
        },
      },
    );
    const manager = source.manage(loaded.config, reloader, {
      node: options.node ?? 'one',
      ...(options.record && { record: options.record }),
    });
    source.follow(reloader);
    return {
      manager,
      source,
      reloader,
      directory,
      file,
      applied,
      log,
      changes,
      refuse: (...reasons) => {
        refusal = reasons;
      },
      close,
      [Symbol.asyncDispose]: close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}
