import { join } from 'node:path';
import { readText } from '../../../lib/read-text.ts';
import type { KubernetesSettings } from '../schema.ts';

/** Where a pod finds the credentials of its service account. */
const SERVICE_ACCOUNT_DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';
const MAX_BYTES = 1024 ** 2;

/** What a pod knows of its cluster. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Default: where Kubernetes mounts it. */
  readonly serviceAccountDirectory?: string;
}

export type Access =
  | {
      readonly ok: true;
      readonly server: string;
      readonly token: string | undefined;
      readonly ca: string | undefined;
    }
  | { readonly ok: false; readonly cause: string };

/**
 * How the API server is reached: as configured, and for the rest as a pod does it. The files are read each time, because
 * Kubernetes replaces the token before it expires. Over plain HTTP, only a token that is configured is sent.
 */
export async function findAccess(settings: KubernetesSettings, surroundings: Surroundings): Promise<Access> {
  const server = settings.apiServer?.replace(/\/$/, '') ?? serverFrom(surroundings.env);
  if (server === undefined)
    return {
      ok: false,
      cause: 'the gateway runs in no cluster (KUBERNETES_SERVICE_HOST is not set): set apiServer',
    };
  let { token, ca } = settings;
  if (server.startsWith('https:')) {
    const directory = surroundings.serviceAccountDirectory ?? SERVICE_ACCOUNT_DIRECTORY;
    if (token === undefined) {
      const file = join(directory, 'token');
      const read = await readText(file, MAX_BYTES);
      if (!read.ok) return { ok: false, cause: `the token ${file} ${read.reason}` };
      token = read.text.trim();
    }
    if (ca === undefined) {
      const file = join(directory, 'ca.crt');
      const read = await readText(file, MAX_BYTES);
      // An API server outside may have a certificate that Node.js trusts anyway.
      if (!read.ok && read.kind !== 'missing')
        return { ok: false, cause: `the certificate ${file} ${read.reason}` };
      if (read.ok) ca = read.text;
    }
  }
  return { ok: true, server, token, ca };
}

function serverFrom(env: Surroundings['env']): string | undefined {
  const host = env['KUBERNETES_SERVICE_HOST'];
  const port = env['KUBERNETES_SERVICE_PORT'] ?? '443';
  if (!host) return undefined;
  return `https://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
