import type { Fields } from '../../http/fields.ts';

/** Makes sure that `Vary` names a request field (RFC 9110 section 12.5.5), without repeating it; `*` covers every field. */
export function addToVary(fields: Fields, name: string): void {
  const value = fields.get('vary');
  if (value === undefined || value === '') {
    fields.put('vary', 'Vary', name);
    return;
  }
  const all = fields.getAll('vary').join(', ');
  if (!names(all, name.toLowerCase())) fields.put('vary', 'Vary', `${all}, ${name}`);
}

function names(value: string, lower: string): boolean {
  for (let start = 0; start < value.length; ) {
    const comma = value.indexOf(',', start);
    const end = comma < 0 ? value.length : comma;
    const member = value.slice(start, end).trim();
    if (member === '*' || member.toLowerCase() === lower) return true;
    start = end + 1;
  }
  return false;
}
