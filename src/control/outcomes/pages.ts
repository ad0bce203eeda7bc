import { AllowedOrigins } from '../../http/allowed-origins.ts';
import type { CorsOptions } from '../../policies/cors/schema.ts';
import { canonical } from './canonical.ts';
import { type Comparison, comparisonOf } from './comparison.ts';

/** Pages of other origins that may read a route's answers. */
export class Pages {
  /** Undefined: the service says it alone, and nothing is known of it. */
  readonly #options: CorsOptions | undefined;
  readonly #origins: readonly string[];
  readonly #allowed: AllowedOrigins;
  /** Equal for those that let in the same pages for the same. To compare, never to show. */
  readonly key: string;

  /** `options` of the policy `cors`, where the route has it. */
  constructor(options: CorsOptions | undefined) {
    this.#options = options;
    this.#origins = (options?.enabled === true && options.origins) || [];
    this.#allowed = new AllowedOrigins(this.#origins);
    const isNone = options !== undefined && this.#origins.length === 0;
    // How long a browser remembers it makes no difference.
    this.key = isNone ? 'none' : canonical(options === undefined ? 'service' : { ...options, maxAge: 0 });
  }

  /** For people. */
  get text(): string {
    const { credentials, privateNetwork } = this.#options ?? {};
    const more = [
      ...(credentials === true ? ['with credentials'] : []),
      ...(privateNetwork === true ? ['from public to private networks'] : []),
    ];
    if (this.#options === undefined) return 'pages that the service lets in';
    if (this.#origins.length === 0) return 'no pages of other origins';
    const origins = this.#origins.includes('*') ? 'any origin' : this.#origins.join(', ');
    return [`pages of ${origins}`, ...more].join(' ');
  }

  /**
   * Whether pages may do more in somebody's name than before: with cookies, or from within a network that they are not in. What a page may do
   * without is what anybody may.
   */
  compare(after: Pages): Comparison {
    // Nobody knows whom a service lets in by itself.
    if (after.#options === undefined) return this.#options === undefined ? 'same' : 'changed';
    return comparisonOf(after.#covers(this), this.#covers(after));
  }

  #covers(narrow: Pages): boolean {
    const [wide, less] = [this.#options, narrow.#options];
    if (less === undefined || narrow.#origins.length === 0) return true;
    if (!less.credentials && !less.privateNetwork) return true;
    return (
      wide !== undefined &&
      (wide.credentials || !less.credentials) &&
      (wide.privateNetwork || !less.privateNetwork) &&
      narrow.#origins.every((origin) => this.#allowed.has(origin.replace('*', LABEL))) &&
      LISTS.every((list) => wide[list].includes('*') || less[list].every((each) => wide[list].includes(each)))
    );
  }
}

/** Longer than any label of a name: only a star stands for it. */
const LABEL = 'a'.repeat(64);
const LISTS = ['methods', 'headers', 'exposeHeaders'] as const;
