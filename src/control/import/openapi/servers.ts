import type { ImportContext } from '../context.ts';
import type { Entry } from '../entry.ts';

export interface Place {
  readonly service: string;
  /** Stands before paths. */
  readonly basePath: string;
}

/** The services of a document: one for each address that is the first of a list of servers. */
export class Servers {
  readonly #name: string;
  readonly #context: ImportContext;
  readonly #places = new Map<string | undefined, Place>();

  constructor(name: string, context: ImportContext) {
    this.#name = name;
    this.#context = context;
  }

  /** Of the document, or of a path or an operation that has servers of its own. */
  of(owner: Entry): Place {
    const { findings } = this.#context;
    const [server, ...others] = owner.entries('servers');
    const address = server && addressOf(server);
    for (const other of others)
      findings.note(
        other.path,
        'only the first server is carried over',
        'where it is another target of the same service, add it to targets',
      );
    let place = this.#places.get(address);
    if (place === undefined) {
      place = this.#make(owner, server, address);
      this.#places.set(address, place);
    }
    return place;
  }

  #make(owner: Entry, server: Entry | undefined, address: string | undefined): Place {
    const { draft, findings } = this.#context;
    const url = address === undefined ? null : URL.parse(address);
    const basePath = (url?.pathname ?? (address?.startsWith('/') ? address : '')).replace(/\/+$/, '');
    const path = server?.path ?? owner.path;
    if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) {
      const port = url.port || (url.protocol === 'https:' ? '443' : '80');
      const value = { url: `${url.protocol}//${url.hostname}:${port}`, host: 'target' };
      return { service: draft.add('services', this.#name, value, path), basePath };
    }
    findings.lost(
      server?.at('url') ?? owner.at('openapi'),
      'the document does not say where the service runs: its address leads nowhere',
      'write the url of the service',
    );
    return {
      service: draft.add('services', this.#name, { url: 'http://service.invalid:80' }, path),
      basePath,
    };
  }
}

/** With the defaults of its variables. */
function addressOf(server: Entry): string | undefined {
  const variables = server.entryOrEmpty('variables');
  return server
    .text('url')
    ?.replaceAll(/\{([^}]*)\}/g, (_, name: string) => variables.entry(name)?.text('default') ?? '');
}
