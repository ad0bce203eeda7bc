import type { Principal } from '../../policy/principal.ts';
import type { ConsumerConfig } from './schema.ts';

/** Somebody of `consumers`. */
export interface Consumer {
  readonly name: string;
  readonly groups: readonly string[];
  readonly config: ConsumerConfig;
}

/** A consumer as the principal that credentials of the configuration tell of. */
export function principalOf(
  consumer: Consumer,
  method: string,
  expiresAtMs = Number.POSITIVE_INFINITY,
): Principal {
  return {
    method,
    consumer: consumer.name,
    subject: consumer.name,
    issuer: '',
    scopes: [],
    groups: consumer.groups,
    roles: [],
    claims: {},
    session: '',
    expiresAtMs,
    ...ownerOf(consumer),
  };
}

/** For principals. */
export function ownerOf(consumer: Consumer | undefined): Pick<Principal, 'organization'> {
  const organization = consumer?.config.organization;
  return organization === undefined ? NOBODY : { organization };
}

const NOBODY = {};
