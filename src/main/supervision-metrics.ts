/** Samples about supervision that stand beside those of the metrics hub. Text of the Prometheus exposition format 0.0.4. */
export function supervisionMetrics(now: {
  readonly workers: number;
  readonly serving: number;
  readonly lastReloadOk: boolean;
}): string {
  return [
    gauge('portcullis_workers', 'Worker threads that should serve.', now.workers),
    gauge('portcullis_workers_serving', 'Worker threads that serve.', now.serving),
    gauge(
      'portcullis_config_last_reload_successful',
      'Whether the last reload was not refused: 1 or 0.',
      now.lastReloadOk ? 1 : 0,
    ),
  ].join('');
}

function gauge(name: string, help: string, value: number): string {
  return `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`;
}
