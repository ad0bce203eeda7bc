import { z } from 'zod';
import { duration } from '../../lib/units.ts';
import { earlyIdentityFieldName } from '../identity-field-name.ts';
import { claimSources, DEFAULT_CLAIMS } from './claims.ts';
import { signingKeys } from './keys.ts';

const MIN_LIFETIME_MS = 5000;
const MAX_LIFETIME_MS = 3_600_000;

export const mintSchema = z
  .strictObject({
    keys: signingKeys.describe('Private keys: the first one signs, the others are published too'),
    issuer: z.string().min(1).describe('Who the tokens are of: their iss'),
    audience: z
      .string()
      .min(1)
      .optional()
      .describe(
        'Whom the tokens are for: their aud; by default the name of the route’s service, or of the route',
      ),
    lifetime: duration('From making a token to its end; it is used for half of that')
      .refine((ms) => ms >= MIN_LIFETIME_MS && ms <= MAX_LIFETIME_MS, 'is not from 5s to 1h')
      .prefault('60s'),
    header: z
      .union([z.literal(['Authorization', 'authorization']), earlyIdentityFieldName])
      .default('Authorization')
      .describe('Field for the token; in Authorization it is a Bearer token'),
    claims: claimSources
      .prefault(DEFAULT_CLAIMS)
      .describe('Claims of the tokens, from what is known of the caller; in place of the default ones'),
  })
  .describe('Tells the service who calls by a token that the gateway signs');
