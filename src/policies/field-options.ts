import { z } from 'zod';
import { trimBlanks } from '../http/characters.ts';
import { isFieldValue, isToken } from '../http/fields.ts';
import { type Template, template } from '../policy/template.ts';
import { ORGANIZATION_FIELD } from './function/organization-field.ts';

const FRAMING = 'it belongs to the framing of the message, which is the gateway’s own';
const CONNECTION = 'it belongs to one connection, not to the message';

/**
 * Fields that the gateway itself answers for, so that no policy's options may name them. With a wrong one of most of them one message could be read
 * as two (RFC 9110 section 7.6.1, RFC 9112 section 6).
 */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ['content-length', FRAMING],
  ['transfer-encoding', FRAMING],
  ['te', FRAMING],
  ['trailer', FRAMING],
  ['connection', CONNECTION],
  ['keep-alive', CONNECTION],
  ['proxy-connection', CONNECTION],
  ['upgrade', CONNECTION],
  [
    ORGANIZATION_FIELD.toLowerCase(),
    'function services are told by it whose function is called, which the policy function does',
  ],
  ['host', 'it is set by `host` of the service, of the route’s `rewrite` or of the policy rewrite'],
]);

/** Schema of the name of a field that options may change. */
export const fieldName = z.string().superRefine((text, context) => {
  const reason = refuseName(text);
  if (reason !== undefined) context.addIssue({ code: 'custom', message: reason });
});

/** Schema of a field's value: a template. What it renders goes through `renderedFieldValue`. */
export const fieldValue = template('Value, with ${...} for values of the request', refuseValue);

/** Whether the gateway itself answers for a field of that name: nobody else's may stand in a message. */
export function isOwnField(name: string): boolean {
  return REFUSED.has(name.toLowerCase());
}

function refuseName(text: string): string | undefined {
  if (!isToken(text)) return `${JSON.stringify(text)} is not a field name`;
  const refused = REFUSED.get(text.toLowerCase());
  return refused === undefined ? undefined : `the field ${text} cannot be changed: ${refused}`;
}

function refuseValue({ constant, text }: Template): string | undefined {
  // White space at the ends is taken off a rendered value; a constant is written as it is.
  return isFieldValue(constant ?? trimBlanks(text))
    ? undefined
    : 'is not a field value: it holds a control character, a character beyond latin1, or white space at an end';
}

/**
 * A rendered value as a field may hold it: without spaces and tabs at either end (RFC 9110 section 5.5), where a variable that is
 * empty may leave them. Throws TypeError where it holds what no field may; only names from the configuration can bring that. A
 * loop, because the expression of `isFieldValue` takes three times as long for a short value.
 */
export function renderedFieldValue(text: string): string {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) {
      throw new TypeError('a value rendered for a field holds a character that no field may hold');
    }
  }
  return trimBlanks(text);
}
