import { z } from 'zod';
import { isToken } from '../../http/fields.ts';
import { type Template, template } from '../../policy/template.ts';
import { isAuthority } from './authority.ts';
import { hasDotSegment } from './path.ts';

/** `/api` or `/api/`; a slash at the end makes no difference. */
const prefix = z
  .string()
  .regex(/^\/[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/, 'is not a path: it begins with / and is percent-encoded')
  .refine((text) => !text.includes('//'), 'has two slashes in a row')
  .refine((text) => !hasDotSegment(text), 'has a dot segment');

const parameter = z.string().min(1, 'is not the name of a parameter');

function refusePath(path: Template): string | undefined {
  if (!path.text.startsWith('/') && !path.text.startsWith('${request.path}'))
    return 'is not a path: it begins with /';
  if (path.literals.some((literal) => /[^\x21-\x7e]|[?#]/.test(literal))) {
    return 'is not a path: it is percent-encoded and has no query';
  }
  return path.constant !== undefined && hasDotSegment(path.constant) ? 'has a dot segment' : undefined;
}

export const rewriteSchema = z
  .strictObject({
    stripPrefix: prefix
      .optional()
      .describe('Taken off the beginning of the path, by whole segments; a path without it stays'),
    replacePrefix: z
      .strictObject({ from: prefix, to: prefix })
      .optional()
      .describe('The beginning of the path, by whole segments; a path without it stays'),
    path: template('New path; values of the request are inserted percent-encoded', refusePath).optional(),
    query: z
      .strictObject({
        remove: z.array(parameter).default([]).describe('Parameters taken away, before anything else'),
        set: z
          .record(parameter, template('Value, as plain text: it is percent-encoded'))
          .default({})
          .describe('Parameters that then have this one value'),
        add: z
          .record(parameter, template('Value, as plain text: it is percent-encoded'))
          .default({})
          .describe('Parameters added to those of the same name'),
      })
      .optional()
      .describe('Parameters, by their decoded names'),
    host: template('Host that the service sees', ({ constant }) =>
      constant === undefined || isAuthority(constant)
        ? undefined
        : 'is not a host: write api.example.com or api.example.com:8080',
    ).optional(),
    method: z
      .string()
      .refine(isToken, 'is not a method')
      .refine(
        (text) => text !== 'CONNECT' && text !== 'TRACE',
        'cannot be CONNECT or TRACE: neither goes through a gateway',
      )
      .refine((text) => text !== 'HEAD', 'cannot be HEAD: the client waits for the body that a HEAD has not')
      .optional()
      .describe('Method that the service sees; a HEAD request stays what it is'),
  })
  .superRefine((options, context) => {
    const paths = (['stripPrefix', 'replacePrefix', 'path'] as const).filter(
      (key) => options[key] !== undefined,
    );
    if (paths.length > 1) {
      context.addIssue({
        code: 'custom',
        path: [paths[1] as string],
        message: `cannot stand beside ${paths[0]}: choose one`,
      });
    }
    if (Object.values(options).every((option) => option === undefined)) {
      context.addIssue({ code: 'custom', message: 'there is nothing to rewrite' });
    }
  })
  .describe('Changes path, query, host and method on the way to the service');

export type RewriteOptions = z.output<typeof rewriteSchema>;
