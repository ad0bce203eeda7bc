import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { fieldName, fieldValue } from '../field-options.ts';

/** What the gateway says of the connection itself: a policy that sets it would be overwritten, or would lie. */
const OF_THE_GATEWAY = new Set([
  'forwarded',
  'via',
  'traceparent',
  'tracestate',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-port',
  'x-forwarded-proto',
  'x-real-ip',
]);

const identityField = fieldName.refine(
  (name) => !OF_THE_GATEWAY.has(name.toLowerCase()),
  'is a field that the gateway itself sets',
);

/** At least a family: `*` alone would take every field. */
const strippedName = z
  .string()
  .refine((text) => isToken(text) && /^[^*]*[A-Za-z0-9][^*]*\*?$/.test(text), {
    message: 'is neither a field name nor the beginning of one with * behind it, such as x-user-*',
  })
  .refine((text) => !OF_THE_GATEWAY.has(text.toLowerCase()), 'is a field that the gateway itself sets');

/** As written where the configuration says nothing. */
export const DEFAULT_FIELDS = {
  'X-Consumer-Id': '${principal.consumer}',
  'X-Consumer-Name': '${claims.name}',
  'X-Consumer-Groups': '${principal.groups}',
  'X-User-Subject': '${principal.subject}',
  'X-User-Email': '${claims.email}',
};

export const identityHeadersSchema = z
  .strictObject({
    set: z
      .record(identityField, fieldValue)
      .prefault(DEFAULT_FIELDS)
      .describe('Fields for the service, from what is known of the caller; in place of the default ones'),
    anonymous: z
      .record(identityField, fieldValue)
      .prefault({})
      .describe('Fields for the service where nobody knows who calls'),
    strip: z
      .array(strippedName)
      .default([])
      .describe('Further fields that no client may send: a name, or the beginning of one with * behind it'),
  })
  .describe('Tells the service who calls, and lets no client say it');

export type IdentityHeadersOptions = z.output<typeof identityHeadersSchema>;
