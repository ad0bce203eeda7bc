import { createHash } from 'node:crypto';
import type { CertificateDescription } from '../../certificates/describe.ts';
import type { ConfigurationManager, ListedEntity } from '../../manager/manager.ts';
import type { EntityValue } from '../../store/entity.ts';
import type { ApiState } from './api-status.ts';
import { redactEntity } from './entity-secrets.ts';

/** An entity as `/v1` shows it: what is written for it, without secrets, with its `name` and what is known about it. */
export function entityView(
  entity: ListedEntity,
  configuration: Pick<ConfigurationManager, 'certificate'>,
  status?: ApiState,
): Record<string, unknown> {
  const { collection, name, value } = entity;
  const certificate = collection === 'certificates' ? configuration.certificate(name) : undefined;
  const beside: Meta = {
    ...(status !== undefined && { status }),
    ...(certificate !== undefined && { certificate }),
  };
  const meta = { ...metaOf(entity), ...beside };
  return { name, ...redactEntity(collection, value), meta };
}

/** What is known about an entity that is not of it. */
interface Meta {
  readonly status?: ApiState;
  readonly certificate?: CertificateDescription;
}

function metaOf(entity: ListedEntity): Record<string, unknown> {
  if (entity.origin === 'file') return { origin: 'file' };
  return {
    origin: 'store',
    revision: entity.revision,
    createdAt: new Date(entity.createdAtMs).toISOString(),
    createdBy: entity.createdBy,
    updatedAt: new Date(entity.updatedAtMs).toISOString(),
    updatedBy: entity.updatedBy,
  };
}

/** What is to be stored of a representation that somebody sent: without its name and what is known about it. */
export function writtenValue({ name: _name, meta: _meta, ...value }: EntityValue): EntityValue {
  return value;
}

/** Validators of an entity's representation (RFC 9110, section 8.8). */
export interface Version {
  /** Quotes included. What stands behind a dot is not of the entity itself, such as its status. */
  readonly etag: string;
  /** Undefined where that is not known of all that is shown. */
  readonly modifiedMs: number | undefined;
  /** What the store calls this version; undefined for what is the file's. */
  readonly revision: number | undefined;
}

/** Of the entity itself or, with its `view`, of what is shown of it. */
export function versionOf(entity: ListedEntity, view?: Readonly<Record<string, unknown>>): Version {
  const beside = besideOf(view);
  const tag = (version: string): string => (beside === undefined ? `"${version}"` : `"${version}.${beside}"`);
  if (entity.origin === 'file') {
    // Without its secrets, which could be guessed from the digest of a value that is known but for them.
    const shown = JSON.stringify(redactEntity(entity.collection, entity.value));
    const digest = createHash('sha256').update(shown).digest('hex').slice(0, 16);
    return { etag: tag(`file-${digest}`), modifiedMs: undefined, revision: undefined };
  }
  return {
    etag: tag(String(entity.revision)),
    modifiedMs: beside === undefined ? entity.updatedAtMs : undefined,
    revision: entity.revision,
  };
}

/** What changes without the entity: the status of an API, and the certificate that is in force, which may be renewed. */
function besideOf(view: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const { status, certificate } = (view?.['meta'] ?? {}) as Meta;
  return status ?? certificate?.fingerprint.slice(0, 16);
}

export function versionFields({ etag, modifiedMs }: Version): Record<string, string> {
  return {
    etag,
    ...(modifiedMs === undefined ? undefined : { 'last-modified': new Date(modifiedMs).toUTCString() }),
  };
}
