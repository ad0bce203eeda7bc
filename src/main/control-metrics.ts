/** What the main thread itself has to tell Prometheus; requests are counted by the workers. */
export class ControlMetrics {
  readonly #reloads = { applied: 0, unchanged: 0, refused: 0 };
  #lastReloadOk = true;
  #lastAppliedAtMs = Date.now();

  reloaded(kind: 'applied' | 'unchanged' | 'refused'): void {
    this.#reloads[kind]++;
    this.#lastReloadOk = kind !== 'refused';
    if (kind === 'applied') this.#lastAppliedAtMs = Date.now();
  }

  /** Text of the Prometheus exposition format 0.0.4. */
  text(now: {
    readonly version: string;
    readonly workers: number;
    readonly serving: number;
    readonly deaths: number;
    readonly droppedLogLines: number;
  }): string {
    return [
      family('portcullis_build_info', 'gauge', 'Always 1; the labels tell what runs.', [
        [`{version="${now.version}",node="${process.versions.node}"}`, 1],
      ]),
      family('portcullis_workers', 'gauge', 'Worker threads that should serve.', [['', now.workers]]),
      family('portcullis_workers_serving', 'gauge', 'Worker threads that serve.', [['', now.serving]]),
      family('portcullis_worker_deaths_total', 'counter', 'Worker threads that died and were replaced.', [
        ['', now.deaths],
      ]),
      family(
        'portcullis_config_reloads_total',
        'counter',
        'Reloads of the configuration by result.',
        Object.entries(this.#reloads).map(([result, count]) => [`{result="${result}"}`, count]),
      ),
      family(
        'portcullis_config_last_reload_successful',
        'gauge',
        'Whether the last reload was not refused.',
        [['', this.#lastReloadOk ? 1 : 0]],
      ),
      family(
        'portcullis_config_last_applied_timestamp_seconds',
        'gauge',
        'When the configuration in force was put into force.',
        [['', this.#lastAppliedAtMs / 1000]],
      ),
      family(
        'portcullis_log_lines_dropped_total',
        'counter',
        'Access-log lines lost because the destination was too slow.',
        [['', now.droppedLogLines]],
      ),
    ].join('');
  }
}

type Sample = readonly [labels: string, value: number];

function family(name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${labels} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}
