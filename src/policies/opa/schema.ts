import { z } from 'zod';
import { duration, size } from '../../lib/units.ts';
import { fieldName } from '../field-options.ts';
import { earlyIdentityFieldName } from '../identity-field-name.ts';

/** A path of names, as OPA's Data API has it: packages, then a rule. */
const DECISION = /^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*)*$/;
const MAX_TIMEOUT_MS = 30_000;

const address = z
  .url({ protocol: /^https?$/, error: 'is not an address of http or https' })
  .refine((text) => {
    const url = URL.parse(text);
    return url !== null && url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  }, 'has a user, a query or a fragment in it: OPA takes a token');

export const opaSchema = z
  .strictObject({
    url: address.describe('Where OPA is, such as http://127.0.0.1:8181; what stands before /v1/data'),
    decision: z
      .string()
      .max(500)
      .regex(DECISION, 'is not a path of names, such as gateway/authz/allow')
      .describe('Path of the rule below /v1/data, such as gateway/authz/allow'),
    token: z.string().min(1).optional().describe('Bearer token that OPA wants, by `env:` or `file:`'),
    headers: z.array(fieldName).default([]).describe('Request fields that OPA is told of; none by default'),
    set: z
      .array(earlyIdentityFieldName)
      .default([])
      .describe('Fields for the service that the decision may set; no client may send them'),
    timeout: duration('For the whole answer of OPA')
      .refine((ms) => ms > 0 && ms <= MAX_TIMEOUT_MS, 'is not above 0s and up to 30s')
      .prefault('1s'),
    maxAnswer: size('Largest answer of OPA').prefault('64kb'),
    cache: duration(
      'How long a decision holds for a request that is the same to OPA; 0s asks each time',
    ).prefault('0s'),
    failure: z
      .enum(['closed', 'open'])
      .default('closed')
      .describe('What becomes of a request when OPA cannot be asked: 503, or it passes'),
  })
  .describe('Asks Open Policy Agent whether a request may pass');

export type OpaOptions = z.output<typeof opaSchema>;
