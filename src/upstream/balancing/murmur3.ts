/**
 * MurmurHash3, x86, 32 bit (Austin Appleby, public domain), of a text of which each character is one octet, as in everything that comes
 * from a message. As a signed word: V8 would have to allocate an unsigned one.
 */
export function murmur3(text: string, seed: number): number {
  let hash = seed | 0;
  const { length } = text;
  const blocksEnd = length & ~3;
  let at = 0;
  for (; at < blocksEnd; at += 4) {
    const block =
      octet(text, at) |
      (octet(text, at + 1) << 8) |
      (octet(text, at + 2) << 16) |
      (octet(text, at + 3) << 24);
    hash ^= scramble(block);
    hash = (hash << 13) | (hash >>> 19);
    hash = (Math.imul(hash, 5) + 0xe6546b64) | 0;
  }
  if (at < length) {
    let tail = 0;
    for (let i = length - 1; i >= at; i--) tail = (tail << 8) | octet(text, i);
    hash ^= scramble(tail);
  }
  hash ^= length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return hash ^ (hash >>> 16);
}

function scramble(block: number): number {
  const product = Math.imul(block, 0xcc9e2d51);
  return Math.imul((product << 15) | (product >>> 17), 0x1b873593);
}

function octet(text: string, at: number): number {
  return text.charCodeAt(at) & 0xff;
}
