import { z } from 'zod';
import type { Exchange } from '../../policy/contract.ts';
import { claimAt } from '../../policy/escaped.ts';
import type { Principal } from '../../policy/principal.ts';
import { compileTemplate, type Template, TemplateError } from '../../policy/template.ts';

/** RFC 7519 section 4.1: these are the gateway's own. */
const RESERVED: ReadonlySet<string> = new Set(['iss', 'aud', 'exp', 'nbf', 'iat', 'jti']);
const CLAIM = /^\$\{claims\.([^}]+)\}$/;
const LIST = /^\$\{principal\.(scopes|groups|roles)\}$/;

/** A claim of a token that is made: what its value is for a request. Undefined: it is left out. */
export interface ClaimSource {
  readonly isOfPrincipal: boolean;
  read(exchange: Exchange, principal: Principal): unknown;
}

/** As written where the configuration says nothing. */
export const DEFAULT_CLAIMS = {
  sub: '${principal.subject}',
  consumer: '${principal.consumer}',
  idp: '${principal.issuer}',
  groups: '${principal.groups}',
  roles: '${principal.roles}',
};

/** Schema of claims by name: templates. One that is a single variable is the value as it is, a list or an object included. */
export const claimSources = z.record(
  z
    .string()
    .min(1)
    .max(200)
    .refine((name) => !RESERVED.has(name), 'is a claim that the gateway itself sets'),
  z.string().transform((text, context): ClaimSource => {
    const source = sourceOf(text);
    if (!(source instanceof TemplateError)) return source;
    context.addIssue({ code: 'custom', message: source.message });
    return z.NEVER;
  }),
);

function sourceOf(text: string): ClaimSource | TemplateError {
  const claim = CLAIM.exec(text)?.[1];
  if (claim !== undefined)
    return { isOfPrincipal: true, read: (_, { claims }) => claimAt(claims, claim) ?? undefined };
  const list = LIST.exec(text)?.[1] as 'scopes' | 'groups' | 'roles' | undefined;
  if (list !== undefined)
    return {
      isOfPrincipal: true,
      read: (_, principal) => (principal[list].length > 0 ? principal[list] : undefined),
    };
  const template = compileTemplate(text);
  return template instanceof TemplateError ? template : textSource(template);
}

function textSource(template: Template): ClaimSource {
  return {
    isOfPrincipal: template.isOfPrincipal,
    read: (exchange) => template.renderText(exchange, asItIs) || undefined,
  };
}

function asItIs(value: string): string {
  return value;
}
