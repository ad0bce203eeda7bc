import { z } from 'zod';
import { fieldValue } from '../field-options.ts';
import { identityFieldName, identityFieldPattern } from '../identity-field-name.ts';

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
      .record(identityFieldName, fieldValue)
      .prefault(DEFAULT_FIELDS)
      .describe('Fields for the service, from what is known of the caller; in place of the default ones'),
    anonymous: z
      .record(identityFieldName, fieldValue)
      .prefault({})
      .describe('Fields for the service where nobody knows who calls'),
    strip: z
      .array(identityFieldPattern)
      .default([])
      .describe('Further fields that no client may send: a name, or the beginning of one with * behind it'),
  })
  .describe('Tells the service who calls, and lets no client say it');
