import { z } from 'zod';
import type { PersonalToken } from './personal-token.ts';
import type { Grant, SessionUser } from './session.ts';

/** What a session's record says, once it is opened. */
export interface SessionContent {
  readonly user: SessionUser;
  readonly token?: PersonalToken | undefined;
  /** Milliseconds since 1970. */
  readonly createdAtMs: number;
  readonly endsAtMs: number;
}

const VERSION = 1;
/** JSON has no Infinity. */
const expiry = z.number().nullable();

const sessionShape = z.object({
  v: z.literal(VERSION),
  user: z.object({
    provider: z.string(),
    issuer: z.string(),
    subject: z.string(),
    claims: z.record(z.string(), z.unknown()),
    sid: z.string().optional(),
  }),
  token: z.object({ name: z.string(), scopes: z.array(z.string()) }).optional(),
  created: z.number(),
  ends: z.number(),
});

const grantShape = z.object({
  v: z.literal(VERSION),
  provider: z.string(),
  generation: z.number(),
  obtained: z.number(),
  renewing: z.number().optional(),
  isLost: z.boolean().optional(),
  isReusable: z.boolean().optional(),
  accessToken: z.string(),
  tokenType: z.string(),
  refreshToken: z.string().optional(),
  idToken: z.string().optional(),
  expires: expiry,
  scopes: z.array(z.string()),
});

export function sessionText({ user, token, createdAtMs, endsAtMs }: SessionContent): string {
  return JSON.stringify({ v: VERSION, user, token, created: createdAtMs, ends: endsAtMs });
}

/** Undefined for a text of another version. */
export function readSessionText(text: string): SessionContent | undefined {
  const { success, data } = sessionShape.safeParse(JSON.parse(text));
  if (!success) return undefined;
  const { user, token, created, ends } = data;
  return { user, token, createdAtMs: created, endsAtMs: ends };
}

export function grantText(grant: Grant): string {
  const { provider, generation, accessToken, tokenType, refreshToken, idToken, scopes } = grant;
  return JSON.stringify({
    v: VERSION,
    provider,
    generation,
    accessToken,
    tokenType,
    refreshToken,
    idToken,
    scopes,
    obtained: grant.obtainedAtMs,
    renewing: grant.renewingUntilMs,
    isLost: grant.isLost,
    isReusable: grant.isReusable,
    expires: grant.expiresAtMs === Number.POSITIVE_INFINITY ? null : grant.expiresAtMs,
  });
}

/** Undefined for a text of another version. `random`: a number from 0 up to 1. */
export function readGrantText(text: string, random: number): Grant | undefined {
  const { success, data } = grantShape.safeParse(JSON.parse(text));
  if (!success) return undefined;
  const { v: _, expires, obtained, renewing, ...grant } = data;
  const expiresAtMs = expires ?? Number.POSITIVE_INFINITY;
  const renewAtMs = renewalTime(obtained, expiresAtMs, random);
  return { ...grant, obtainedAtMs: obtained, expiresAtMs, renewAtMs, renewingUntilMs: renewing };
}

/** In the last fifth of a token's life, at most 5 minutes before its end. */
export function renewalTime(obtainedAtMs: number, expiresAtMs: number, random: number): number {
  if (expiresAtMs === Number.POSITIVE_INFINITY) return expiresAtMs;
  const leadMs = Math.min(MAX_LEAD_MS, (expiresAtMs - obtainedAtMs) / 5);
  return expiresAtMs - leadMs * (0.5 + random / 2);
}

const MAX_LEAD_MS = 5 * 60_000;
