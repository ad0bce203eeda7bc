/** What may stand before a `/` that begins a regular expression; after anything else it divides. */
const BEFORE_PATTERN =
  /(?:^|[=(,:;!&|?{}[+\-*%<>~^]|\b(?:return|typeof|case|in|of|delete|void|throw|new|await|yield))\s*$/;

/**
 * A TypeScript source of the same length in which the contents of comments, texts, templates and regular expressions are
 * spaces, so that searches in it find code alone. Line ends and the quotes of texts stay; code within `${}` stays too.
 */
export function codeOf(text: string): string {
  const out = text.split('');
  const blank = (from: number, to: number) => {
    for (let i = from; i < to && i < out.length; i += 1) if (out[i] !== '\n') out[i] = ' ';
  };
  /** Depths of braces at which a template goes on. */
  const templates: number[] = [];
  let depth = 0;
  let at = 0;
  while (at < text.length) {
    const character = text[at];
    if (text.startsWith('//', at)) {
      const end = endOr(text, text.indexOf('\n', at));
      blank(at, end);
      at = end;
    } else if (text.startsWith('/*', at)) {
      const end = endOr(text, text.indexOf('*/', at + 2), 2);
      blank(at, end);
      at = end;
    } else if (character === "'" || character === '"') {
      const end = endOfText(text, at + 1, character);
      blank(at + 1, end);
      at = end + 1;
    } else if (character === '`' || (character === '}' && templates.at(-1) === depth)) {
      if (character === '}') {
        templates.pop();
        depth -= 1;
      }
      const end = endOfTemplatePiece(text, at + 1);
      blank(at + 1, end);
      at = end + 1;
      if (text[end] === '$') {
        at += 1;
        depth += 1;
        templates.push(depth);
      }
    } else if (character === '/' && BEFORE_PATTERN.test(out.slice(Math.max(0, at - 40), at).join(''))) {
      const end = endOfPattern(text, at + 1);
      blank(at + 1, end);
      at = end + 1;
    } else {
      if (character === '{') depth += 1;
      if (character === '}') depth -= 1;
      at += 1;
    }
  }
  return out.join('');
}

function endOr(text: string, found: number, more = 0): number {
  return found < 0 ? text.length : found + more;
}

function endOfText(text: string, from: number, quote: string): number {
  let at = from;
  while (at < text.length && text[at] !== quote && text[at] !== '\n') at += text[at] === '\\' ? 2 : 1;
  return at;
}

/** Where the closing backtick or the next `${` is. */
function endOfTemplatePiece(text: string, from: number): number {
  let at = from;
  while (at < text.length && text[at] !== '`' && !text.startsWith('${', at)) at += text[at] === '\\' ? 2 : 1;
  return at;
}

function endOfPattern(text: string, from: number): number {
  let inClass = false;
  let at = from;
  while (at < text.length && text[at] !== '\n' && (inClass || text[at] !== '/')) {
    if (text[at] === '[') inClass = true;
    if (text[at] === ']') inClass = false;
    at += text[at] === '\\' ? 2 : 1;
  }
  return at;
}
