import type { RequestView } from '../../policy/contract.ts';

/** Whether a browser goes to a page with this request, and would show what comes back; else a script asks, or a part of a page. */
export function isNavigation({ method, fields }: RequestView): boolean {
  if (method !== 'GET' && method !== 'HEAD') return false;
  // Fetch Metadata section 2.2: a page cannot set it.
  const mode = fields.get('sec-fetch-mode');
  if (mode !== undefined) return mode === 'navigate';
  if (fields.has('x-requested-with')) return false;
  return fields.get('accept')?.includes('text/html') ?? false;
}
