import { type PemContext, resolveAuthorities } from '../config/certificates.ts';
import { type Path, valueAt } from '../config/place.ts';
import type { ParsedConfig } from '../config/schema.ts';
import type { AcmeSettings } from './schema.ts';

/** What `env:` and `file:` stand for within the settings of a certificate that is ordered. */
export interface AcmeMaterial {
  readonly ca: string | undefined;
  readonly hmacKey: string | undefined;
}

const HMAC_KEY = ['externalAccount', 'hmacKey'];

export async function readAcmeMaterial(
  acme: unknown,
  path: Path,
  context: PemContext,
): Promise<AcmeMaterial> {
  const [ca, hmacKey] = await Promise.all([
    resolveAuthorities(valueAt(acme, ['ca']), [...path, 'ca'], context),
    readHmacKey(valueAt(acme, HMAC_KEY), [...path, ...HMAC_KEY], context),
  ]);
  return { ca, hmacKey };
}

async function readHmacKey(
  written: unknown,
  path: Path,
  { secrets, problems }: PemContext,
): Promise<string | undefined> {
  if (typeof written !== 'string') return undefined;
  const key = (await secrets.text(written, path))?.trim();
  if (key !== undefined && !/^[\w-]+={0,2}$/.test(key)) {
    problems.push({ path, message: 'is not base64url, in which authorities give such keys' });
    return undefined;
  }
  return key;
}

/** The certificates that are ordered, with what was read where it was written. */
export function resolvedAcme(
  certificates: ParsedConfig['certificates'],
  material: ReadonlyMap<string, AcmeMaterial>,
): Readonly<Record<string, AcmeSettings>> {
  return Object.fromEntries(
    Object.entries(certificates).flatMap(([name, { acme }]) =>
      acme === undefined ? [] : [[name, withMaterial(acme, material.get(name))]],
    ),
  );
}

function withMaterial(acme: AcmeSettings, material: AcmeMaterial | undefined): AcmeSettings {
  const { externalAccount } = acme;
  const { ca = acme.ca, hmacKey = externalAccount?.hmacKey } = material ?? {};
  return {
    ...acme,
    ...(ca === undefined ? {} : { ca }),
    ...(externalAccount === undefined || hmacKey === undefined
      ? {}
      : { externalAccount: { ...externalAccount, hmacKey } }),
  };
}
