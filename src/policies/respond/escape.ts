/** How a value of the request is written into a body of that media type, so that it stays a value there. */
export function escapeFor(contentType: string): (value: string) => string {
  const type = (contentType.split(';', 1)[0] as string).trim().toLowerCase();
  if (type === 'application/json' || type.endsWith('+json')) return inJson;
  if (type === 'text/html' || type.endsWith('/xml') || type.endsWith('+xml')) return inMarkup;
  return asIs;
}

/** Inside the quotes of a JSON string. */
function inJson(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** Between tags and in quoted attributes. */
function inMarkup(value: string): string {
  return value.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] as string);
}

function asIs(value: string): string {
  return value;
}
