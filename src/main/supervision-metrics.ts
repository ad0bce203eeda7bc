import { type Gauge, renderGauges } from './gauges.ts';

/** Samples about supervision that stand beside those of the metrics hub. Text of the Prometheus exposition format 0.0.4. */
export function supervisionMetrics(now: {
  readonly workers: number;
  readonly serving: number;
  readonly lastReloadOk: boolean;
  readonly limitEvictions: number;
  readonly records: { readonly size: number; readonly bytes: number; readonly refused: number };
  readonly store: {
    readonly revision: number;
    readonly up: boolean;
    readonly changedAtMs: number | undefined;
  };
}): string {
  return renderGauges([
    ...storeGauges(now.store),
    { name: 'portcullis_workers', help: 'Worker threads that should serve.', samples: [[{}, now.workers]] },
    { name: 'portcullis_workers_serving', help: 'Worker threads that serve.', samples: [[{}, now.serving]] },
    {
      name: 'portcullis_config_last_reload_successful',
      help: 'Whether the last reload was not refused: 1 or 0.',
      samples: [[{}, now.lastReloadOk ? 1 : 0]],
    },
    {
      name: 'portcullis_limit_evictions_total',
      help: 'Keys whose counts made place for others, because more were limited than state.memory.keys.',
      type: 'counter',
      samples: [[{}, now.limitEvictions]],
    },
    {
      name: 'portcullis_records',
      help: 'Records of sessions and the like in the memory of this machine.',
      samples: [[{}, now.records.size]],
    },
    {
      name: 'portcullis_records_bytes',
      help: 'Memory that they take, of state.memory.records.',
      samples: [[{}, now.records.bytes]],
    },
    {
      name: 'portcullis_records_refused_total',
      help: 'Records that were refused because state.memory.records was full.',
      type: 'counter',
      samples: [[{}, now.records.refused]],
    },
  ]);
}

function storeGauges(store: Parameters<typeof supervisionMetrics>[0]['store']): Gauge[] {
  const changed = store.changedAtMs === undefined ? [] : [[{}, store.changedAtMs / 1000] as const];
  return [
    {
      name: 'portcullis_store_revision',
      help: 'Revision of the store that is in force here.',
      samples: [[{}, store.revision]],
    },
    {
      name: 'portcullis_store_up',
      help: 'Whether the store could be reached the last time: 1 or 0.',
      samples: [[{}, store.up ? 1 : 0]],
    },
    {
      name: 'portcullis_store_last_change_timestamp_seconds',
      help: 'When this node last made a change of the store.',
      samples: changed,
    },
  ];
}
