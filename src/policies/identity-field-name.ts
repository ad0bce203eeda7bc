import { z } from 'zod';
import { isToken } from '../http/fields.ts';
import { fieldName } from './field-options.ts';

const OF_THE_GATEWAY = 'is a field that the gateway itself sets';
const OF_CLIENTS = 'is a field that clients need: no client could send it any more';

/** Fields that can tell nobody who calls. */
const REFUSED: ReadonlyMap<string, string> = new Map([
  ...[
    'forwarded',
    'via',
    'traceparent',
    'tracestate',
    'x-forwarded-for',
    'x-forwarded-host',
    'x-forwarded-port',
    'x-forwarded-proto',
    'x-real-ip',
  ].map((name): [string, string] => [name, OF_THE_GATEWAY]),
  ...[
    'accept',
    'authorization',
    'content-type',
    'content-encoding',
    'cookie',
    'origin',
    'proxy-authorization',
  ].map((name): [string, string] => [name, OF_CLIENTS]),
]);

/** Whether services may be told by it who calls. */
export function canBeIdentityField(name: string): boolean {
  return !REFUSED.has(name.toLowerCase());
}

/** Schema of the name of a field by which services are told who calls: no client may send it any more, on any route. */
export const identityFieldName = fieldName.superRefine((name, context) => {
  const reason = REFUSED.get(name.toLowerCase());
  if (reason !== undefined) context.addIssue({ code: 'custom', message: `${name} ${reason}` });
});

/**
 * The same, for a policy that sets it while the request is looked at. Behind that the gateway takes off what of the X-Forwarded family no
 * trusted proxy sent.
 */
export const earlyIdentityFieldName = identityFieldName.superRefine((name, context) => {
  const message = REFUSED.has(name.toLowerCase()) ? undefined : lateFieldProblem(name);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

/** Why a policy that sets it while the request is looked at cannot. */
export function lateFieldProblem(name: string): string | undefined {
  return name.toLowerCase().startsWith('x-forwarded-')
    ? `${name} is of the X-Forwarded family, which only the policy identity-headers sets`
    : undefined;
}

/** Schema of such a name, or of the beginning of some, up to a hyphen, with `*` behind it. */
export const identityFieldPattern = z.string().superRefine((text, context) => {
  const lower = text.toLowerCase();
  const isPrefix = /^[a-z0-9][a-z0-9-]*-\*$/.test(lower);
  if (!isPrefix && (!isToken(text) || text.includes('*'))) {
    const message = 'is neither a field name nor the beginning of some, such as x-user-*';
    context.addIssue({ code: 'custom', message });
    return;
  }
  for (const [name, reason] of REFUSED)
    if (isPrefix ? name.startsWith(lower.slice(0, -1)) : name === lower)
      context.addIssue({ code: 'custom', message: `${name} ${reason}` });
});
