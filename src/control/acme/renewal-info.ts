import { X509Certificate } from 'node:crypto';
import { extensionOf, signedValues } from '../../lib/certificate-extension.ts';
import { DER, derMembers } from '../../lib/der.ts';
import { isRecord } from '../../lib/is-record.ts';
import { AcmeClient } from './client.ts';
import { AcmeProblem } from './problem.ts';
import type { AcmeSettings } from './schema.ts';
import { AcmeTransport } from './transport.ts';

/** When an authority would like a certificate to be renewed (RFC 9773 section 4.2). */
export interface RenewalInfo {
  /** Milliseconds since 1970. */
  readonly startMs: number;
  readonly endMs: number;
  /** A page that says why. */
  readonly explanation: string | undefined;
  /** Milliseconds until it wants to be asked again; undefined where it did not say. */
  readonly retryAfterMs: number | undefined;
}

export interface RenewalContext {
  readonly userAgent: string;
  /** Ends it early. */
  readonly signal: AbortSignal;
}

const AUTHORITY_KEY = '2.5.29.35';
/** RFC 5280 section 4.2.1.1: the first of its members. */
const KEY_IDENTIFIER = 0x80;

/** What an authority knows a certificate (PEM) by (RFC 9773 section 4.1); undefined where it does not say whose key signed it. */
export function renewalId(cert: string): string | undefined {
  const certificate = new X509Certificate(cert);
  const extension = extensionOf(certificate, AUTHORITY_KEY);
  const key = extension && derMembers(extension)?.find(({ tag }) => tag === KEY_IDENTIFIER);
  const serial = signedValues(certificate)?.find(({ tag }) => tag === DER.integer);
  if (key === undefined || serial === undefined) return undefined;
  return `${key.content.toString('base64url')}.${serial.content.toString('base64url')}`;
}

/** Asks the authority of a certificate (PEM); undefined where it does not speak of that. Rejects with an AcmeProblem. */
export async function askRenewalInfo(
  { directory, ca }: Pick<AcmeSettings, 'directory' | 'ca'>,
  cert: string,
  { userAgent, signal }: RenewalContext,
): Promise<RenewalInfo | undefined> {
  const id = renewalId(cert);
  if (id === undefined) return undefined;
  const transport = new AcmeTransport(ca, userAgent);
  const close = (): void => transport.close();
  signal.addEventListener('abort', close);
  try {
    const found = await new AcmeClient(directory, transport).renewalInfo(id);
    if (found === undefined) return undefined;
    const { suggestedWindow, explanationURL } = found.value;
    const { start, end } = isRecord(suggestedWindow) ? suggestedWindow : {};
    const [startMs, endMs] = [timeIn(start), timeIn(end)];
    // Section 4.2: a window that ends before it begins is to be treated as no answer.
    if (startMs === undefined || endMs === undefined || endMs <= startMs)
      throw new AcmeProblem('malformedAnswer', 'the ACME server suggests a time for renewal that is none', {
        retryAfterMs: found.retryAfterMs,
      });
    const explanation =
      typeof explanationURL === 'string' && /^https?:\/\/[\x21-\x7e]{1,500}$/.test(explanationURL)
        ? explanationURL
        : undefined;
    return { startMs, endMs, explanation, retryAfterMs: found.retryAfterMs };
  } finally {
    signal.removeEventListener('abort', close);
    transport.close();
  }
}

/** RFC 3339. */
function timeIn(text: unknown): number | undefined {
  if (typeof text !== 'string' || !/^\d{4}-\d\d-\d\d[Tt]/.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
