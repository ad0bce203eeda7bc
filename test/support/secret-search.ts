/** A secret in a form that somebody could have stored it in. */
interface Form {
  readonly name: string;
  readonly octets: Buffer;
}

/**
 * Which of these secrets stand in the octets, and in which form: as they are, in hexadecimal digits, or in base64 of either alphabet, wherever in a
 * larger text they began. What a base64url text decodes to, such as the signature of a JWT, is looked for like the text itself.
 */
export function secretsIn(octets: Buffer, secrets: Readonly<Record<string, string>>): readonly string[] {
  return Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret)
      .filter((form) => octets.includes(form.octets))
      .map((form) => `${name}, ${form.name}`),
  );
}

function formsOf(secret: string): readonly Form[] {
  const decoded = secret
    .split('.')
    .filter((part) => part.length >= 22 && /^[A-Za-z0-9_-]+$/.test(part))
    .flatMap((part) => encodings(Buffer.from(part, 'base64url'), 'decoded, '));
  return [...encodings(Buffer.from(secret), ''), ...decoded];
}

function encodings(octets: Buffer, prefix: string): readonly Form[] {
  const hex = octets.toString('hex');
  const forms: Form[] = [
    { name: `${prefix}raw`, octets },
    { name: `${prefix}hex`, octets: Buffer.from(hex) },
    { name: `${prefix}hex in capitals`, octets: Buffer.from(hex.toUpperCase()) },
  ];
  for (const alphabet of ['base64', 'base64url'] as const)
    for (const before of [0, 1, 2])
      forms.push({ name: `${prefix}${alphabet}`, octets: Buffer.from(inner(octets, before, alphabet)) });
  return forms;
}

/** The characters that stand for these octets alone, where so many others come before them in their group of three. */
function inner(octets: Buffer, before: number, alphabet: 'base64' | 'base64url'): string {
  const padded = Buffer.concat([Buffer.alloc(before), octets]);
  const first = Math.ceil((before * 8) / 6);
  const last = Math.floor((padded.length * 8) / 6);
  return padded.toString(alphabet).slice(first, last);
}
