import { createHash, timingSafeEqual } from 'node:crypto';
import { isInnerList } from 'structured-headers';
import { readDictionary } from './structured-fields.ts';

/** Digests that tell of content (RFC 9530 section 5); the older ones are broken. */
const HASHES: Readonly<Record<string, string>> = { 'sha-256': 'sha256', 'sha-512': 'sha512' };

/** Digests of a body, all of which have to be right. */
export type ContentDigests = readonly { readonly hash: string; readonly octets: Buffer }[];

/** The digests of a Content-Digest field (RFC 9530 section 2) that are known here; undefined when there is none. */
export function readContentDigest(value: string | undefined): ContentDigests | undefined {
  const digests = Array.from(readDictionary(value ?? '') ?? []).flatMap(([name, item]) => {
    const hash = Object.hasOwn(HASHES, name) ? HASHES[name] : undefined;
    if (hash === undefined || isInnerList(item) || !(item[0] instanceof ArrayBuffer)) return [];
    return [{ hash, octets: Buffer.from(item[0]) }];
  });
  return digests.length === 0 ? undefined : digests;
}

export function isContentOf(digests: ContentDigests, body: Uint8Array): boolean {
  return digests.every(({ hash, octets }) => {
    const computed = createHash(hash).update(body).digest();
    return computed.length === octets.length && timingSafeEqual(computed, octets);
  });
}
