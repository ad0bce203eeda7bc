import { type Dictionary, type InnerList, isInnerList } from 'structured-headers';
import type { Fields } from '../../http/fields.ts';
import { readDictionary } from './structured-fields.ts';

/** A signature as it was sent, before anything of it is checked. */
export interface SentSignature {
  readonly covered: InnerList;
  readonly octets: Buffer;
}

/** Longest fields that are looked at, and most signatures in them: proxies add their own. */
const MAX_CHARACTERS = 8192;
const MAX_SIGNATURES = 8;

/** The signatures of Signature-Input and Signature (RFC 9421 section 4); undefined when they are malformed, or one is not there. */
export function readSignatures(fields: Fields): readonly SentSignature[] | undefined {
  const inputs = dictionary(fields, 'signature-input');
  const signatures = dictionary(fields, 'signature');
  if (inputs === undefined || signatures === undefined || inputs.size > MAX_SIGNATURES) return undefined;
  const sent: SentSignature[] = [];
  for (const [label, covered] of inputs) {
    const signature = signatures.get(label);
    if (!isInnerList(covered) || signature === undefined || isInnerList(signature)) return undefined;
    if (!(signature[0] instanceof ArrayBuffer)) return undefined;
    sent.push({ covered, octets: Buffer.from(signature[0]) });
  }
  return sent;
}

/** RFC 9421 section 4: a label stands once. */
function dictionary(fields: Fields, name: string): Dictionary | undefined {
  const value = fields.getAll(name).join(', ');
  return value === '' || value.length > MAX_CHARACTERS ? undefined : readDictionary(value);
}
