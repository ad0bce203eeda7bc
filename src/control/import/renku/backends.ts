import type { ImportContext } from '../context.ts';
import { nameOf } from '../draft.ts';
import type { Entry } from '../entry.ts';

/** Where the requests of an endpoint go. */
export interface Target {
  readonly service: string;
  /** What stands before the rest of the path. */
  readonly path: string;
}

/** The services behind the endpoints, one for each address. */
export class Backends {
  readonly #context: ImportContext;
  readonly #services = new Map<string, string>();

  constructor(context: ImportContext) {
    this.#context = context;
  }

  /** `{GITLAB_URL}/api/v4` with the value of the variable; undefined where it is no address, which is told. */
  target(entry: Entry): Target | undefined {
    const written = entry.text('endpoint') ?? '';
    let unknown: string | undefined;
    const filled = written.replaceAll(/\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, name: string) => {
      const value = this.#context.variables.get(name);
      if (value !== undefined) return value.replace(/\/+$/, '');
      unknown = name;
      return `http://${placeholder(name)}`;
    });
    const url = URL.parse(filled);
    if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:') || url.search !== '') {
      entry.lost('endpoint', 'is no address of http or https, so the endpoint is left out');
      return undefined;
    }
    if (unknown !== undefined)
      entry.lost(
        'endpoint',
        `nothing says what {${unknown}} is: the service has an address that leads nowhere`,
        `say it: --set ${unknown}=https://…`,
      );
    return { service: this.#service(url, unknown, entry), path: url.pathname };
  }

  #service({ protocol, hostname, port }: URL, variable: string | undefined, entry: Entry): string {
    const address = `${protocol}//${hostname}:${port || (protocol === 'https:' ? 443 : 80)}`;
    let service = this.#services.get(address);
    if (service === undefined) {
      const wanted = variable?.toLowerCase().replace(/_(?:url|endpoint|hostname)$/, '') ?? hostname;
      service = this.#context.draft.add(
        'services',
        nameOf(wanted),
        { url: address, host: 'target' },
        entry.at('endpoint'),
      );
      this.#services.set(address, service);
    }
    return service;
  }
}

/** A host that exists nowhere (RFC 2606). */
export function placeholder(variable: string): string {
  return `${variable.toLowerCase().replaceAll('_', '-')}.invalid`;
}
