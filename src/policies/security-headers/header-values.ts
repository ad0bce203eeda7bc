import type { SecurityHeadersOptions } from './schema.ts';

/** A field of the answer as it is sent. */
export interface Header {
  readonly lower: string;
  readonly name: string;
  readonly value: string;
}

/** RFC 6797 section 6.1; undefined when there is to be none. */
export function hstsHeader({ hsts }: Pick<SecurityHeadersOptions, 'hsts'>): Header | undefined {
  if (hsts === false) return undefined;
  const directives = [`max-age=${Math.floor(hsts.maxAge / 1000)}`];
  if (hsts.includeSubDomains) directives.push('includeSubDomains');
  if (hsts.preload) directives.push('preload');
  return header('Strict-Transport-Security', directives.join('; '));
}

/** Those that do not depend on the scheme. */
export function plainHeaders(options: SecurityHeadersOptions): readonly Header[] {
  return [
    optional('Content-Security-Policy', contentSecurityPolicy(options.contentSecurityPolicy)),
    optional('X-Frame-Options', options.frameOptions && options.frameOptions.toUpperCase()),
    optional('X-Content-Type-Options', options.contentTypeOptions && 'nosniff'),
    optional('Referrer-Policy', options.referrerPolicy),
    optional('Permissions-Policy', permissionsPolicy(options.permissionsPolicy)),
    optional('Cross-Origin-Opener-Policy', options.crossOriginOpenerPolicy),
    optional('Cross-Origin-Embedder-Policy', options.crossOriginEmbedderPolicy),
    optional('Cross-Origin-Resource-Policy', options.crossOriginResourcePolicy),
  ].flat();
}

function header(name: string, value: string): Header {
  return { lower: name.toLowerCase(), name, value };
}

function optional(name: string, value: string | false): readonly Header[] {
  return value === false ? [] : [header(name, value)];
}

/** Content Security Policy Level 3, section 2.2: directives between semicolons, sources between spaces. */
function contentSecurityPolicy(policy: SecurityHeadersOptions['contentSecurityPolicy']): string | false {
  if (policy === false || typeof policy === 'string') return policy;
  return Object.entries(policy)
    .map(([directive, sources]) => [directive, ...sources].join(' '))
    .join('; ');
}

/** Permissions Policy, section 5.2: a dictionary of structured fields; `self` is a token there, an origin a string. */
function permissionsPolicy(policy: SecurityHeadersOptions['permissionsPolicy']): string | false {
  if (policy === false || typeof policy === 'string') return policy;
  return Object.entries(policy)
    .map(([feature, allowed]) => {
      if (allowed === '*') return `${feature}=*`;
      return `${feature}=(${allowed.map((origin) => (origin === 'self' ? origin : `"${origin}"`)).join(' ')})`;
    })
    .join(', ');
}
