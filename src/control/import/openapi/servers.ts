import type { ImportContext } from '../context.ts';
import type { Entry } from '../entry.ts';

/** The service of the document's first server, with what stands before its paths. */
export function serviceOf(
  root: Entry,
  name: string,
  { draft, findings }: ImportContext,
): { readonly service: string; readonly basePath: string } {
  const [server, ...others] = root.entries('servers');
  const written = server && addressOf(server);
  const url = written === undefined ? null : URL.parse(written);
  for (const other of others)
    findings.note(
      other.path,
      'only the first server is carried over',
      'where it is another target of the same service, add it to targets',
    );
  const basePath = (url?.pathname ?? (written?.startsWith('/') ? written : '')).replace(/\/+$/, '');
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) {
    const port = url.port || (url.protocol === 'https:' ? '443' : '80');
    const value = { url: `${url.protocol}//${url.hostname}:${port}`, host: 'target' };
    return { service: draft.add('services', name, value, server?.path ?? root.path), basePath };
  }
  findings.lost(
    server?.at('url') ?? root.at('openapi'),
    'the document does not say where the service runs: its address leads nowhere',
    'write the url of the service',
  );
  return {
    service: draft.add('services', name, { url: 'http://service.invalid:80' }, server?.path ?? root.path),
    basePath,
  };
}

/** With the defaults of its variables. */
function addressOf(server: Entry): string | undefined {
  const variables = server.entryOrEmpty('variables');
  return server
    .text('url')
    ?.replaceAll(/\{([^}]*)\}/g, (_, name: string) => variables.entry(name)?.text('default') ?? '');
}
