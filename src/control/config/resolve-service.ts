import type { ResolvedService } from '../../gateway/config.ts';
import { isFieldValue } from '../../http/fields.ts';
import { isRecord } from '../../lib/is-record.ts';
import { type PemContext, type PemPair, resolveAuthorities, resolvePair } from './certificates.ts';
import type { FileReader } from './files.ts';
import { entriesOf, type Path, valueAt } from './place.ts';
import type { Problem } from './problem.ts';
import type { ParsedConfig } from './schema.ts';
import type { Secrets } from './secrets.ts';

type ParsedService = ParsedConfig['services'][string];

/** What files and the environment hold of a service's settings. undefined is what is not written, or led nowhere. */
export interface ServiceMaterial {
  readonly tls: (PemPair & { readonly ca: string | undefined }) | undefined;
  readonly stickySecret: string | undefined;
  readonly consulToken: string | undefined;
  readonly kubernetesToken: string | undefined;
  readonly kubernetesCa: string | undefined;
  readonly checkHeaders: Readonly<Record<string, string>>;
}

/** A shorter secret could be found by trying. */
const MIN_SECRET_CHARS = 16;

/** Reads what the settings of a service refer to. `service` is as it was written. */
export async function readServiceMaterial(
  service: Record<string, unknown>,
  path: Path,
  context: PemContext,
): Promise<ServiceMaterial> {
  const text = (...at: string[]) => resolvedText(valueAt(service, at), [...path, ...at], context.secrets);
  const field = async (...at: string[]) => fieldValue(await text(...at), [...path, ...at], context.problems);
  const [tls, stickySecret, consulToken, kubernetesToken, kubernetesCa, checkHeaders] = await Promise.all([
    readTls(service['tls'], [...path, 'tls'], context),
    text('sticky', 'secret'),
    field('discovery', 'consul', 'token'),
    field('discovery', 'kubernetes', 'token'),
    resolveAuthorities(
      valueAt(service, ['discovery', 'kubernetes', 'ca']),
      [...path, 'discovery', 'kubernetes', 'ca'],
      context,
    ),
    readFields(
      valueAt(service, ['health', 'active', 'headers']),
      [...path, 'health', 'active', 'headers'],
      context,
    ),
  ]);
  if (stickySecret !== undefined && stickySecret.length < MIN_SECRET_CHARS)
    context.problems.push({
      path: [...path, 'sticky', 'secret'],
      message: `is too short to sign with: at least ${MIN_SECRET_CHARS} characters`,
    });
  return { tls, stickySecret, consulToken, kubernetesToken, kubernetesCa, checkHeaders };
}

/** Certificates and key of a client. */
export async function readTls(
  tls: unknown,
  path: Path,
  context: PemContext,
): Promise<ServiceMaterial['tls']> {
  if (!isRecord(tls)) return undefined;
  const [ca, pair] = await Promise.all([
    resolveAuthorities(tls['ca'], [...path, 'ca'], context),
    resolvePair(tls['cert'], tls['key'], path, context),
  ]);
  return { ca, ...pair };
}

/** Header fields with what their values stand for. */
export async function readFields(
  fields: unknown,
  path: Path,
  { secrets, problems }: { readonly secrets: Secrets; readonly problems: Problem[] },
): Promise<Record<string, string>> {
  const resolved: Record<string, string> = {};
  for (const [name, value] of entriesOf(fields)) {
    const at = [...path, name];
    const text = fieldValue(await resolvedText(value, at, secrets), at, problems);
    if (text !== undefined) resolved[name] = text;
  }
  return resolved;
}

async function resolvedText(value: unknown, path: Path, secrets: Secrets): Promise<string | undefined> {
  return typeof value === 'string' ? secrets.text(value, path) : undefined;
}

function fieldValue(text: string | undefined, path: Path, problems: Problem[]): string | undefined {
  if (text === undefined || isFieldValue(text)) return text;
  problems.push({
    path,
    message: 'holds characters that a header field cannot carry, such as a line end',
  });
  return undefined;
}

/** A service as the data plane and the main thread receive it: `url` is a target, and nothing refers to elsewhere any more. */
export function resolvedService(
  { url, targets, ...service }: ParsedService,
  material: ServiceMaterial | undefined,
  files: FileReader,
): ResolvedService {
  const { tls, sticky, discovery, health } = service;
  const resolved = { ...service, targets: targets ?? (url === undefined ? [] : [{ url, weight: 1 }]) };
  if (discovery !== undefined) resolved.discovery = resolvedDiscovery(discovery, material, files);
  if (tls !== undefined) resolved.tls = { ...tls, ...written(material?.tls ?? {}) };
  if (sticky !== undefined) resolved.sticky = { ...sticky, ...written({ secret: material?.stickySecret }) };
  if (health?.active !== undefined && 'headers' in health.active) {
    const headers = { ...health.active.headers, ...material?.checkHeaders };
    resolved.health = { ...health, active: { ...health.active, headers } };
  }
  return resolved;
}

type Discovery = NonNullable<ParsedService['discovery']>;

function resolvedDiscovery(
  { file, consul, kubernetes, ...discovery }: Discovery,
  material: ServiceMaterial | undefined,
  files: FileReader,
): Discovery {
  if (file !== undefined) return { ...discovery, file: { path: files.absolute(file.path) } };
  if (consul !== undefined)
    return { ...discovery, consul: { ...consul, ...written({ token: material?.consulToken }) } };
  if (kubernetes === undefined) return discovery;
  const { kubernetesToken: token, kubernetesCa: ca } = material ?? {};
  return { ...discovery, kubernetes: { ...kubernetes, ...written({ token, ca }) } };
}

/** Without what is undefined. */
function written<T extends object>(values: T): { [Key in keyof T]?: NonNullable<T[Key]> } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: NonNullable<T[Key]>;
  };
}
