import type { LoadedConfig } from '../control/config/load.ts';
import { explainRequest } from '../control/explain/explain-request.ts';
import { ACCESS_LOG_FIELDS } from '../observability/schema.ts';
import { isSecretField } from '../observability/secrets.ts';
import type { ExplainedLoser } from '../routing/explain.ts';
import type { DataPlaneConfig } from '../server/config.ts';
import type { AccessLogOutput } from './gateway.ts';

export interface DevLogOptions {
  readonly write: (text: string) => void;
  readonly color: boolean;
  /** The configuration in force; undefined while the gateway starts. */
  readonly config: () => LoadedConfig | undefined;
}

/** Routes shown below a request that none of them took. */
const NEAREST = 3;

/** Every field, as JSON, with the headers that routes look at: the developer's log is made of it. */
export function forDevelopment(config: DataPlaneConfig): DataPlaneConfig {
  const headers = new Set(
    Object.values(config.routes).flatMap((route) => Object.keys(route.match.headers ?? {})),
  );
  const accessLog = {
    ...config.observability.accessLog,
    enabled: true,
    format: 'json' as const,
    destination: 'stdout',
    fields: [...ACCESS_LOG_FIELDS],
    headers: [...headers].filter((name) => !isSecretField(name)),
  };
  return { ...config, observability: { ...config.observability, accessLog } };
}

/** A line of the access log, as far as it is used here. */
interface Line {
  readonly time?: string;
  readonly scheme?: string;
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly query?: string;
  readonly status?: number;
  readonly code?: string;
  readonly error?: string;
  readonly route?: string;
  readonly service?: string;
  readonly target?: string;
  readonly durationMs?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The access log for who writes the configuration: a readable line per request, and what could have been meant after a 404. */
export class DevLog implements AccessLogOutput {
  readonly droppedLines = 0;
  readonly #options: DevLogOptions;
  /** Lines are explained one after the other, so that they come out in their order. */
  #done: Promise<void> = Promise.resolve();

  constructor(options: DevLogOptions) {
    this.#options = options;
  }

  async configure(): Promise<void> {}

  reopen(): void {}

  write(batch: Uint8Array): void {
    for (const text of Buffer.from(batch).toString('utf8').split('\n')) {
      if (text !== '') this.#done = this.#done.then(() => this.#show(JSON.parse(text) as Line));
    }
  }

  close(): Promise<void> {
    return this.#done;
  }

  async #show(line: Line): Promise<void> {
    const { write } = this.#options;
    write(`${this.#requestText(line)}\n`);
    if (line.code === 'route_not_found')
      for (const text of await this.#nearestRoutes(line)) write(`    ${text}\n`);
  }

  #requestText(line: Line): string {
    const { time = '', method = '-', scheme = 'http', host = '', path = '', query = '', status = 0 } = line;
    const parts = [
      time.slice(11, 23),
      method.padEnd(4),
      `${scheme}://${host}${path}${query}`,
      this.#paint(status >= 500 ? 31 : status >= 400 ? 33 : status >= 300 ? 36 : 32, String(status)),
      `${line.durationMs ?? 0}ms`,
    ];
    if (line.route !== undefined) {
      parts.push(line.service === undefined ? line.route : `${line.route} -> ${line.service}`);
    }
    if (line.target !== undefined) parts.push(line.target);
    if (line.code !== undefined) parts.push(line.code);
    if (line.error !== undefined) parts.push(`(${line.error})`);
    return parts.join(' ');
  }

  async #nearestRoutes(line: Line): Promise<string[]> {
    const config = this.#options.config();
    if (config === undefined) return [];
    const {
      method = 'GET',
      scheme = 'http',
      host = 'localhost',
      path = '/',
      query = '',
      headers = {},
    } = line;
    const result = await explainRequest(config, {
      method,
      url: `${scheme}://${host}${path}${query}`,
      headers: Object.entries(headers),
    });
    if (!result.ok) return [result.message];
    const losers = [...result.explanation.others].sort(
      (a, b) => NEARNESS.indexOf(b.reason) - NEARNESS.indexOf(a.reason),
    );
    if (losers.length === 0) return ['there are no routes'];
    const shown = losers.slice(0, NEAREST).map(({ route, detail, place }) => {
      const at = place === undefined ? '' : ` (line ${place.line})`;
      return `${this.#paint(1, route)}${at}: ${detail}`;
    });
    if (losers.length > NEAREST)
      shown.push(`and ${losers.length - NEAREST} more: portcullis explain '${method} ${path}' tells of all`);
    return shown;
  }

  #paint(style: number, text: string): string {
    return this.#options.color ? `\x1b[${style}m${text}\x1b[0m` : text;
  }
}

/** What kept a route from matching, from the farthest to the nearest: the later it failed, the nearer it was. */
const NEARNESS: readonly ExplainedLoser['reason'][] = [
  'host',
  'path',
  'protocol',
  'header',
  'query',
  'method',
  'precedence',
];
