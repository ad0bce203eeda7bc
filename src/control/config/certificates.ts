import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { certificateHosts } from '../../lib/certificate-hosts.ts';
import { certificateBlocks } from '../../lib/pem.ts';
import { certificateFaults } from '../certificates/check-certificate.ts';
import { revocationListEnds } from '../certificates/revocation-list.ts';
import { type Path, valueAt } from './place.ts';
import type { Problem } from './problem.ts';
import type { Secrets } from './secrets.ts';

const MAX_BLOCKS = 10_000;

export interface PemPair {
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

export interface PemContext {
  readonly secrets: Secrets;
  readonly problems: Problem[];
  /** Now, in milliseconds since 1970: for certificates that are over. */
  readonly nowMs: number;
}

/** A certificate of a listener, read. */
export interface ListenerCertificate extends PemPair {
  /** The leaf; undefined where it cannot be read. */
  readonly leaf: X509Certificate | undefined;
}

/**
 * Resolves a certificate for listeners, and checks that it is of use: that chain, key, hosts and dates fit. `isInForce` tells of a
 * certificate (PEM) whether it was accepted before.
 */
export async function resolveCertificate(
  entry: Record<string, unknown>,
  path: Path,
  context: PemContext & { readonly isInForce: (cert: string) => boolean },
): Promise<ListenerCertificate> {
  const { pair, chain } = await readPair(entry['cert'], entry['key'], path, context);
  const [leaf, ...others] = chain ?? [];
  if (leaf === undefined || pair.cert === undefined) return { ...pair, leaf };
  const { hosts } = entry;
  const faults = certificateFaults({
    chain: [leaf, ...others],
    hosts: Array.isArray(hosts) ? hosts : [],
    nowMs: context.nowMs,
    isInForce: context.isInForce(pair.cert),
  });
  for (const { at, ...fault } of faults) context.problems.push({ ...fault, path: [...path, ...at] });
  return { ...pair, leaf };
}

/** What a certificate is for: by its names where it was read, else as it is to be ordered by ACME. `entry` is as it is written. */
export function hostsOfCertificate(entry: unknown, read: ListenerCertificate | undefined): readonly string[] {
  if (read?.leaf !== undefined) return certificateHosts(read.leaf);
  const ordered = valueAt(entry, ['acme', 'hosts']);
  return Array.isArray(ordered) ? ordered.map((host) => String(host).toLowerCase()) : [];
}

/** Resolves a chain and its key, and checks that both can be read and belong together. Values of other types are left to the schema. */
export async function resolvePair(
  cert: unknown,
  key: unknown,
  path: Path,
  context: PemContext,
): Promise<PemPair> {
  const { pair, chain } = await readPair(cert, key, path, context);
  warnOfDates(chain?.[0], [...path, 'cert'], context);
  return pair;
}

async function readPair(
  cert: unknown,
  key: unknown,
  path: Path,
  context: PemContext,
): Promise<{ readonly pair: PemPair; readonly chain: readonly X509Certificate[] | undefined }> {
  const certPath = [...path, 'cert'];
  const keyPath = [...path, 'key'];
  const [certText, keyText] = await Promise.all([
    pemText(cert, certPath, context),
    pemText(key, keyPath, context),
  ]);
  const chain = certText === undefined ? undefined : readChain(certText, certPath, context);
  const privateKey = keyText === undefined ? undefined : readKey(keyText, keyPath, context.problems);
  const leaf = chain?.[0];
  if (leaf !== undefined && privateKey !== undefined && !leaf.checkPrivateKey(privateKey)) {
    context.problems.push({
      path: keyPath,
      message: 'this key does not belong to the certificate (the first one of `cert`)',
    });
  }
  return { pair: { cert: certText, key: keyText }, chain };
}

/** Resolves certificates of authorities and checks that they can be read. */
export async function resolveAuthorities(
  ca: unknown,
  path: Path,
  context: PemContext,
): Promise<string | undefined> {
  const text = await pemText(ca, path, context);
  if (text !== undefined) warnOfDates(readChain(text, path, context)?.[0], path, context);
  return text;
}

async function pemText(
  value: unknown,
  path: Path,
  { secrets, problems }: PemContext,
): Promise<string | undefined> {
  if (typeof value !== 'string') return undefined;
  const text = await secrets.text(value, path);
  if (text === undefined || text.includes('-----BEGIN ')) return text;
  const isPath = text === value && text.length < 500 && /^[\w./~-]+$/.test(text) && /[./]/.test(text);
  problems.push({
    path,
    message: 'is not PEM: write file:path, env:NAME or the PEM text',
    ...(isPath ? { suggestion: `file:${text}` } : {}),
  });
  return undefined;
}

function readChain(text: string, path: Path, { problems }: PemContext): X509Certificate[] | undefined {
  const blocks = certificateBlocks(text);
  if (blocks.length === 0 || blocks.length > MAX_BLOCKS) {
    const found = text.includes('PRIVATE KEY-----')
      ? 'holds a private key, not a certificate'
      : 'holds no PEM certificate';
    problems.push({
      path,
      message: blocks.length === 0 ? found : `holds more than ${MAX_BLOCKS} certificates`,
    });
    return undefined;
  }
  const chain: X509Certificate[] = [];
  for (const [index, block] of blocks.entries()) {
    try {
      chain.push(new X509Certificate(block));
    } catch {
      problems.push({ path, message: `the certificate number ${index + 1} in it cannot be read` });
      return undefined;
    }
  }
  return chain;
}

function warnOfDates(leaf: X509Certificate | undefined, path: Path, { problems, nowMs }: PemContext): void {
  if (leaf === undefined) return;
  if (leaf.validToDate.getTime() < nowMs)
    problems.push({
      path,
      severity: 'warning',
      message: `the certificate is over since ${leaf.validToDate.toISOString()}`,
    });
  else if (leaf.validFromDate.getTime() > nowMs)
    problems.push({
      path,
      severity: 'warning',
      message: `the certificate begins only at ${leaf.validFromDate.toISOString()}`,
    });
}

function readKey(text: string, path: Path, problems: Problem[]): KeyObject | undefined {
  if (/-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(text)) {
    problems.push({ path, message: 'the key is encrypted: give it without a passphrase' });
    return undefined;
  }
  try {
    return createPrivateKey(text);
  } catch {
    problems.push({
      path,
      message: text.includes('BEGIN CERTIFICATE')
        ? 'holds a certificate, not a private key'
        : 'holds no private key that can be read',
    });
    return undefined;
  }
}

/** Resolves lists of revoked certificates and checks that they can be read; one that is over refuses every client. */
export async function resolveRevocations(
  crl: unknown,
  path: Path,
  context: PemContext,
): Promise<string | undefined> {
  const text = await pemText(crl, path, context);
  if (text === undefined) return undefined;
  const ends = revocationListEnds(text);
  const { problems, nowMs } = context;
  if (ends === undefined) {
    problems.push({ path, message: 'holds no list of revoked certificates that can be read' });
    return undefined;
  }
  const over = ends.find((end) => end < nowMs);
  if (over !== undefined)
    problems.push({
      path,
      severity: 'warning',
      message: `a list of revoked certificates is over since ${new Date(over).toISOString()}: clients of its authority are refused until there is a newer one`,
    });
  return text;
}
