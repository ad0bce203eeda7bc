import { z } from 'zod';

/** A challenge for WWW-Authenticate: `Basic realm="x", charset="UTF-8"`. Values are quoted (RFC 9110 sections 5.6.4 and 11.2). */
export function challengeText(scheme: string, parameters: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(parameters).map(
    ([name, value]) => `${name}="${value.replaceAll(/["\\]/g, '\\$&')}"`,
  );
  return pairs.length === 0 ? scheme : `${scheme} ${pairs.join(', ')}`;
}

/** What the user of a browser is shown, or a client may know a protection space by (RFC 9110 section 11.5). */
export const realmOption = z
  .string()
  .regex(/^[\x20-\x7e]{1,200}$/, 'is of 1 to 200 ASCII characters, none of them a control character')
  .default('portcullis')
  .describe('Name of what is protected, in the challenge of a 401');

export const forwardOption = z
  .boolean()
  .default(false)
  .describe('The upstream gets the credentials too; else they are taken off');
