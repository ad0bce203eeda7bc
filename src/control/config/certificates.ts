import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import type { Path } from './place.ts';
import type { Problem } from './problem.ts';
import type { Secrets } from './secrets.ts';

const BLOCK = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g;
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

/** Resolves a chain and its key, and checks that both can be read and belong together. Values of other types are left to the schema. */
export async function resolvePair(
  cert: unknown,
  key: unknown,
  path: Path,
  context: PemContext,
): Promise<PemPair> {
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
  return { cert: certText, key: keyText };
}

/** Resolves certificates of authorities and checks that they can be read. */
export async function resolveAuthorities(
  ca: unknown,
  path: Path,
  context: PemContext,
): Promise<string | undefined> {
  const text = await pemText(ca, path, context);
  if (text !== undefined) readChain(text, path, context);
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

function readChain(text: string, path: Path, { problems, nowMs }: PemContext): X509Certificate[] | undefined {
  const blocks = text.match(BLOCK) ?? [];
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
  const leaf = chain[0] as X509Certificate;
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
  return chain;
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
