import type { Exchange } from '../../policy/contract.ts';
import { compileTemplate, type Template, TemplateError } from '../../policy/template.ts';

/** What of the options says where a token goes. */
interface PlacementOptions {
  readonly as: 'bearer' | 'token' | 'basic' | 'header' | 'template';
  readonly username: string;
  readonly header: string;
  readonly template?: string | undefined;
}

/** Where a token goes and how it is written. */
export interface Placement {
  /** Name of the field as it is sent, and in small letters. */
  readonly header: string;
  readonly lower: string;
  /** The same for all requests with this token; else see `template`. */
  readonly write: (token: string) => string;
  /** Has values of the request in it; `MARK` stands for the token. */
  readonly template: Template | undefined;
}

interface PlacementProblem {
  readonly option: 'template' | 'header';
  readonly message: string;
}

/** Stands where the token goes: nothing that a client sends can hold it. */
const MARK = '\u0001';

export function readPlacement(options: PlacementOptions): Placement | PlacementProblem {
  const { as, username, header } = options;
  if (as !== 'template' && options.template !== undefined)
    return { option: 'template', message: 'is for `as: template`' };
  switch (as) {
    case 'bearer':
      return authorization((token) => `Bearer ${token}`);
    case 'token':
      return authorization((token) => `token ${token}`);
    case 'basic':
      return authorization((token) => `Basic ${Buffer.from(`${username}:${token}`).toString('base64')}`);
    case 'header':
      return { header, lower: header.toLowerCase(), write: (token) => token, template: undefined };
    case 'template':
      return fromTemplate(options);
  }
}

function authorization(write: Placement['write']): Placement {
  return { header: 'Authorization', lower: 'authorization', write, template: undefined };
}

function fromTemplate({ header, template: text }: PlacementOptions): Placement | PlacementProblem {
  if (text === undefined) return { option: 'template', message: 'is missing: as: template needs it' };
  if (!text.includes('${token}'))
    return { option: 'template', message: 'has no ${token} in it: the token would stand nowhere' };
  const template = compileTemplate(text.replaceAll('${token}', MARK));
  if (template instanceof TemplateError) return { option: 'template', message: template.message };
  const { constant } = template;
  return {
    header,
    lower: header.toLowerCase(),
    write: (token) => (constant ?? MARK).replaceAll(MARK, () => token),
    template: constant === undefined ? template : undefined,
  };
}

/** The value of the field. */
export function written({ write, template }: Placement, token: string, exchange: Exchange): string {
  return template === undefined ? write(token) : template.render(exchange).replaceAll(MARK, () => token);
}
