import { sameData } from '../../lib/same-data.ts';
import type { Quotas } from '../../state/quota/quotas.ts';
import type { RedisConfig } from '../../state/schema.ts';
import type { PlansData } from './plans-schema.ts';

/** Plans and consumers of one configuration, and where quotas are counted. */
export class Plans {
  readonly data: PlansData;
  readonly quotas: Quotas;

  constructor(data: PlansData, quotas: Quotas) {
    this.data = data;
    this.quotas = quotas;
  }

  /** These where nothing differs, else others: then policies are made anew, and what was counted stays. */
  with(data: PlansData, redis: RedisConfig | undefined): Plans {
    const quotas = this.quotas.with(redis);
    return quotas === this.quotas && sameData(data, this.data) ? this : new Plans(data, quotas);
  }
}
