import { z } from 'zod';
import { duration } from '../../../lib/units.ts';
import { EVERYWHERE, ROLES } from '../../rights/roles.ts';

const HOUR_MS = 3_600_000;

const roleRule = z
  .strictObject({
    claim: z
      .string()
      .min(1)
      .max(200)
      .default('groups')
      .describe('Claim that has a text or a list of them: groups, roles, realm_access.roles'),
    value: z.string().min(1).max(500).describe('What has to be among them'),
    organization: z.string().min(1).max(100).describe(`Where that gives a role; ${EVERYWHERE} is everywhere`),
    role: z.enum(ROLES).describe('viewer, developer, admin or owner'),
  })
  .describe('What a claim of an identity provider gives');

/** Who may use the admin port, and how they are known. */
export const authenticationSchema = z
  .strictObject({
    required: z
      .boolean()
      .default(true)
      .describe('false: whoever sends nothing is the superuser `local`; on loopback only'),
    bootstrapToken: z
      .string()
      .min(1)
      .max(500)
      .optional()
      .describe('Bearer token of an owner, until there is a user who is owner everywhere: env:NAME'),
    session: z
      .string()
      .min(1)
      .optional()
      .describe('Name of `sessions`: users log in at the first provider of its `login`'),
    local: z.boolean().default(true).describe('Whether users log in with a password that is kept here'),
    idleTimeout: duration('How long a login of a browser lives without a request')
      .refine((ms) => ms >= 60_000, 'is shorter than 1m')
      .prefault('1h'),
    lifetime: duration('How long a login of a browser lives at most')
      .refine((ms) => ms >= 60_000, 'is shorter than 1m')
      .refine((ms) => ms <= 30 * 24 * HOUR_MS, 'is longer than 30d')
      .prefault('12h'),
    roles: z
      .array(roleRule)
      .max(1000)
      .default([])
      .describe(
        'What claims of the identity provider give, anew at every login; the highest of several counts',
      ),
  })
  .describe('Who may use the admin port');

export const adminTlsSchema = z
  .strictObject({ certificate: z.string().min(1).describe('Name of `certificates`') })
  .describe('HTTPS on the admin port');

export const probesSchema = z
  .strictObject({
    address: z.string().default('0.0.0.0').describe('Address to listen on'),
    port: z.int().min(0).max(65_535).default(9901).describe('Port to listen on; 0 takes a free one'),
  })
  .describe('A port with /healthz, /readyz and /metrics alone, without authentication and TLS');

export type AuthenticationConfig = z.output<typeof authenticationSchema>;
export type RoleRule = z.output<typeof roleRule>;
