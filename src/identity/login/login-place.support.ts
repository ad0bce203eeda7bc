import type { Identity } from '../identity.ts';
import type { Provider } from '../providers/provider.ts';
import { MemoryRecords } from '../sessions/memory-records.support.ts';
import { sessionSchema } from '../sessions/schema.ts';
import { Sessions } from '../sessions/sessions.ts';
import { principalOf } from '../sessions/user-principal.ts';
import { LoginPlace } from './login-place.ts';
import { LoginPages } from './pages.ts';

/** The pages of sessions `web` with one provider, `first`, on a clock and in a store of the test's. */
export class PlacePlay {
  now = 1_000_000;
  readonly records = new MemoryRecords(() => this.now);
  readonly log: string[] = [];
  readonly sessions: Sessions;
  readonly place: LoginPlace;
  readonly pages: LoginPages;

  constructor(provider: Partial<Provider> = {}, options: Readonly<Record<string, unknown>> = {}) {
    const known = { name: 'first', issuer: 'https://id.example.com', ...provider } as Provider;
    const nowMs = () => this.now;
    const log = (level: string, message: string) => void this.log.push(`${level}: ${message}`);
    this.sessions = new Sessions('web', sessionSchema.parse({ login: ['first'], ...options }), {
      records: this.records,
      nowMs,
      log,
      provider: () => known,
      principal: (id, content) => principalOf(id, content, undefined, undefined),
    });
    const identity = {
      sessionsNamed: () => this.sessions,
      providers: { named: () => known },
      place: { nowMs, log },
    };
    this.place = new LoginPlace(identity as unknown as Identity, 'web');
    this.pages = new LoginPages(identity as unknown as Identity, 'web');
  }
}
