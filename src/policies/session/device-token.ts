import type { Fields } from '../../http/fields.ts';

/** Longer than any: not looked into. */
const MAX_LENGTH = 1000;
const TOKEN = /^v1\.[A-Za-z0-9_-]{43}$/;

/** The token that the gateway gave a device, in Authorization: as a bearer token, or as the password of Basic, as git sends it. */
export function deviceTokenOf(fields: Fields): string | undefined {
  const field = fields.get('authorization');
  if (field === undefined || field.length > MAX_LENGTH) return undefined;
  const space = field.indexOf(' ');
  const scheme = field.slice(0, space).toLowerCase();
  const rest = field.slice(space + 1).trim();
  const token = scheme === 'bearer' ? rest : scheme === 'basic' ? passwordOf(rest) : '';
  return TOKEN.test(token) ? token : undefined;
}

function passwordOf(credentials: string): string {
  const text = Buffer.from(credentials, 'base64').toString('latin1');
  return text.slice(text.indexOf(':') + 1);
}
