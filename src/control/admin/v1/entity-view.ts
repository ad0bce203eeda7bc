import { createHash } from 'node:crypto';
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
  const meta = { ...metaOf(entity, status), ...(certificate === undefined ? undefined : { certificate }) };
  return { name, ...redactEntity(collection, value), meta };
}

function metaOf(entity: ListedEntity, status: ApiState | undefined): Record<string, unknown> {
  const more = status === undefined ? undefined : { status };
  if (entity.origin === 'file') return { origin: 'file', ...more };
  return {
    origin: 'store',
    revision: entity.revision,
    createdAt: new Date(entity.createdAtMs).toISOString(),
    createdBy: entity.createdBy,
    updatedAt: new Date(entity.updatedAtMs).toISOString(),
    updatedBy: entity.updatedBy,
    ...more,
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
  readonly modifiedMs: number | undefined;
  /** What the store calls this version; undefined for what is the file's. */
  readonly revision: number | undefined;
}

export function versionOf(entity: ListedEntity, status?: ApiState): Version {
  if (entity.origin === 'file') {
    const digest = createHash('sha256').update(JSON.stringify(entity.value)).digest('hex').slice(0, 16);
    return { etag: etagOf(`file-${digest}`, status), modifiedMs: undefined, revision: undefined };
  }
  return {
    etag: etagOf(String(entity.revision), status),
    modifiedMs: entity.updatedAtMs,
    revision: entity.revision,
  };
}

function etagOf(version: string, status: ApiState | undefined): string {
  return status === undefined ? `"${version}"` : `"${version}.${status}"`;
}

export function versionFields({ etag, modifiedMs }: Version): Record<string, string> {
  return {
    etag,
    ...(modifiedMs === undefined ? undefined : { 'last-modified': new Date(modifiedMs).toUTCString() }),
  };
}
