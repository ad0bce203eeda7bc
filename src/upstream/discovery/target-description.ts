import { z } from 'zod';
import { parseAuthority } from '../../http/host.ts';
import { sameData } from '../../lib/same-data.ts';
import { addressFault } from '../address.ts';

/** A target as a source tells of it: plain data that crosses threads. */
export interface TargetDescription {
  /** `http://host:port` or `https://host:port`; the port is left out when it is the scheme's own. */
  readonly url: string;
  /** Share of the requests, 0 to 1000; 0 gets none. */
  readonly weight: number;
  readonly zone?: string;
  /** In order, each once. */
  readonly tags?: readonly string[];
  /** Finishes what it has and gets nothing new. */
  readonly draining?: boolean;
}

export const MAX_TARGETS = 10_000;
export const MAX_WEIGHT = 1000;
const MAX_TAGS = 64;

const LABEL = /^[\x21-\x7e]{1,128}$/;
const label = z.string().regex(LABEL, 'must be 1 to 128 visible ASCII characters without spaces');

/** A target as somebody writes it, in a file or for the registry. */
export const targetEntrySchema = z.strictObject({
  url: z
    .string()
    .refine((url) => canonicalUrl(url) !== undefined, { error: ({ input }) => addressFault(input) })
    .transform((url) => canonicalUrl(url) ?? url)
    .describe('http://host:port or https://host:port'),
  weight: z.int().min(0).max(MAX_WEIGHT).default(1).describe('Share of requests; 0 sends none'),
  zone: label.optional().describe('Where it runs; `balance.zone` prefers the targets of one zone'),
  tags: z.array(label).max(MAX_TAGS).optional().describe('Words to choose targets by'),
});

export type TargetsResult =
  | { readonly ok: true; readonly targets: readonly TargetDescription[] }
  | { readonly ok: false; readonly reason: string };

/**
 * The targets in one order and spelling, each address once, so that equal lists are equal; or why the list is refused. A list is
 * taken whole or not at all: a part of it would send the share of the missing ones to the others.
 */
export function checkTargets(entries: readonly TargetDescription[]): TargetsResult {
  if (entries.length > MAX_TARGETS) return refused(`there are more than ${MAX_TARGETS} targets`);
  const targets: TargetDescription[] = [];
  for (const entry of entries) {
    const url = canonicalUrl(entry.url);
    if (url === undefined) return refused(`${shown(entry.url)} is not the address of a target`);
    const { weight, zone, tags, draining } = entry;
    if (!Number.isInteger(weight) || weight < 0 || weight > MAX_WEIGHT)
      return refused(`${url} has the weight ${weight}, which is not a whole number from 0 to ${MAX_WEIGHT}`);
    if (zone !== undefined && !LABEL.test(zone))
      return refused(`${url} has the zone ${shown(zone)}, which is not a name`);
    if (tags !== undefined && tags.length > MAX_TAGS) return refused(`${url} has more than ${MAX_TAGS} tags`);
    const wrong = tags?.find((tag) => !LABEL.test(tag));
    if (wrong !== undefined) return refused(`${url} has the tag ${shown(wrong)}, which is not a name`);
    targets.push({
      url,
      weight,
      ...(zone === undefined ? undefined : { zone }),
      ...(tags === undefined || tags.length === 0
        ? undefined
        : { tags: [...new Set(tags)].sort(compareTexts) }),
      ...(draining === true ? { draining } : undefined),
    });
  }
  targets.sort(compareTargets);
  return { ok: true, targets: targets.filter(({ url }, i) => url !== targets[i - 1]?.url) };
}

/** Whether two lists that `checkTargets` made say the same. */
export function sameTargets(a: readonly TargetDescription[], b: readonly TargetDescription[]): boolean {
  return sameData(a, b);
}

/**
 * Weights of another scale, such as 0 to 65535, as whole numbers up to 1000 in the same proportion. Where all are 0, all are
 * alike; where some are, they get the smallest share ("Weight" in RFC 2782: a very small chance).
 */
export function scaleWeights(weights: readonly number[]): number[] {
  let most = 0;
  let plain = true;
  for (const weight of weights) {
    most = Math.max(most, weight);
    if (weight === 0 || !Number.isInteger(weight)) plain = false;
  }
  if (most === 0) return weights.map(() => 1);
  if (plain && most <= MAX_WEIGHT) return [...weights];
  return weights.map((weight) => Math.max(1, Math.round((weight * MAX_WEIGHT) / most)));
}

/** The address of a target whose parts come from somewhere else; an IPv6 address gets its brackets. */
export function targetUrl(scheme: 'http' | 'https', host: string, port: number): string {
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** The address of a target in its one spelling; undefined for what is none. */
export function canonicalUrl(url: string): string | undefined {
  const match = /^(https?:\/\/)([^/]+)\/?$/.exec(url);
  if (match === null || parseAuthority(match[2] as string) === undefined) return undefined;
  try {
    return new URL(url).origin;
  } catch {
    return undefined;
  }
}

/** Of one address that is there several times, the one that takes requests and has the largest weight comes first. */
function compareTargets(a: TargetDescription, b: TargetDescription): number {
  return (
    compareTexts(a.url, b.url) ||
    Number(a.draining ?? false) - Number(b.draining ?? false) ||
    b.weight - a.weight ||
    compareTexts(a.zone ?? '', b.zone ?? '') ||
    compareTexts(a.tags?.join(' ') ?? '', b.tags?.join(' ') ?? '')
  );
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function refused(reason: string): TargetsResult {
  return { ok: false, reason };
}

function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}...` : text);
}
