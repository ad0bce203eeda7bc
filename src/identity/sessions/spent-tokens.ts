import type { Records } from '../../state/records/records.ts';
import { type GrantTokens, isAsItWas, type Provider } from '../providers/provider.ts';

/** No refresh token is good for longer, as far as is known, without being redeemed. */
const SPENT_MS = 365 * 86_400_000;
/** How long the answer of a provider may be under way that says nothing of it, and what keeping it may take beside. */
const TIMEOUT_MS = 5000;
const MARGIN_MS = 5000;

/** What came of redeeming a refresh token; `spent`: it was redeemed before, or may have been. */
export type Redeemed = GrantTokens | 'spent' | 'under way';

/**
 * Refresh tokens that programs sent and that were redeemed. A provider that sees one again, after it gave another in its place, takes it for stolen and
 * ends whatever came of it (RFC 9700 section 4.14.2): so it is written down before, and outlives the session that it began.
 */
export class SpentTokens {
  readonly #records: Records;
  readonly #nowMs: () => number;

  constructor(records: Records, nowMs: () => number) {
    this.#records = records;
    this.#nowMs = nowMs;
  }

  /** `id`: of the token, without telling it. Rejects as `refresh` of the provider does, and with `RecordsUnavailable`. */
  async redeem(id: string, sent: GrantTokens, provider: Provider): Promise<Redeemed> {
    if (provider.reusesRefreshTokens === true) return provider.refresh(sent);
    const key = `r:${id}`;
    const untilMs = this.#nowMs() + (provider.timeoutMs ?? TIMEOUT_MS) + MARGIN_MS;
    if (!(await this.#records.create(key, String(untilMs), SPENT_MS))) return this.#spent(key);
    let tokens: GrantTokens;
    try {
      tokens = await provider.refresh(sent);
    } catch (error) {
      if (isAsItWas(error)) await this.#records.remove([key]);
      throw error;
    }
    // The provider leaves them as they are, and takes them again.
    if (tokens.refreshToken === sent.refreshToken) await this.#records.remove([key]);
    return tokens;
  }

  async #spent(key: string): Promise<'spent' | 'under way'> {
    const record = await this.#records.read(key);
    return record === undefined || this.#nowMs() < Number(record.value) ? 'under way' : 'spent';
  }
}
