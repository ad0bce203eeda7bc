import type { ChallengesNews } from '../../server/challenges.ts';
import type { CertificatePair } from '../../server/tls/certificate-table.ts';
import type { Challenge } from './order.ts';

/** What the workers of this node answer ACME servers with. */
export class ChallengeAnswers {
  readonly #nowMs: () => number;
  readonly #publish: (news: ChallengesNews) => void;
  /** Of TLS-ALPN-01, by key authorization. */
  #made: ReadonlyMap<string, CertificatePair> = new Map();
  #news: ChallengesNews | undefined;

  constructor(nowMs: () => number, publish: (news: ChallengesNews) => void) {
    this.#nowMs = nowMs;
    this.#publish = publish;
  }

  /** None where nothing was ever to be answered. */
  get current(): readonly ChallengesNews[] {
    return this.#news === undefined ? [] : [this.#news];
  }

  /** Has the workers answer these, and no others. */
  async replace(challenges: readonly Challenge[]): Promise<void> {
    if (challenges.length === 0 && this.#isSilent) return;
    const answers: Record<string, string> = {};
    const certificates: Record<string, CertificatePair> = {};
    const made = new Map<string, CertificatePair>();
    for (const { type, host, token, keyAuthorization } of challenges) {
      if (type === 'http-01') {
        answers[token] = keyAuthorization;
        continue;
      }
      const pair = this.#made.get(keyAuthorization) ?? (await this.#make(host, keyAuthorization));
      made.set(keyAuthorization, pair);
      certificates[host] = pair;
    }
    this.#made = made;
    this.#news = { kind: 'challenges', answers, certificates };
    this.#publish(this.#news);
  }

  get #isSilent(): boolean {
    const { answers = {}, certificates = {} } = this.#news ?? {};
    return Object.keys(answers).length === 0 && Object.keys(certificates).length === 0;
  }

  async #make(host: string, keyAuthorization: string): Promise<CertificatePair> {
    const { makeChallengeAnswer } = await import('./certificate-maker.ts');
    return makeChallengeAnswer(host, keyAuthorization, this.#nowMs());
  }
}
