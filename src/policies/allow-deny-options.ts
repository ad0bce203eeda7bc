import { z } from 'zod';

/** Options that filters with `allow` and `deny` have alike. `what` is what they look at, such as "an address". */
export function allowDenyOptions(what: string) {
  return {
    prefer: z
      .enum(['deny', 'allow'])
      .default('deny')
      .describe(
        `What holds for ${what} that both take. allow makes exceptions from deny: what neither takes then passes`,
      ),
    report: z
      .boolean()
      .default(false)
      .describe('Counts what would be refused, and lets it pass: to try a filter out'),
  };
}

/** For `superRefine`: what would let everything pass, or has no meaning. */
export function checkAllowDeny(
  { allow, deny, prefer }: { readonly allow?: unknown; readonly deny?: unknown; readonly prefer: string },
  context: z.RefinementCtx,
): void {
  if (allow === undefined && deny === undefined)
    context.addIssue({ code: 'custom', message: 'needs allow, deny or both' });
  else if (prefer === 'allow' && (allow === undefined || deny === undefined))
    context.addIssue({
      code: 'custom',
      path: ['prefer'],
      message: 'is for allow and deny together: allow makes exceptions from deny',
    });
}
