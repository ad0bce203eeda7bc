import { spellingProblem } from './pattern.ts';

/** A piece of a rewritten path: text as it stands, or the name of a capture (`*`: what `/*` took). */
type Piece = { readonly text: string } | { readonly capture: string };

/**
 * A captured segment may hold an escaped slash, `a%2F.` or `.%2Fb`. With nothing but dots up to the next slash, escaped or not, it
 * would make the dot segment that normalisation refused to let in.
 */
const DOTS_BESIDE_CAPTURE = /\}\{|(?:[/}]|%2F|%5C)\.{1,2}\{|\}\.{1,2}(?=$|[/{]|%2F|%5C)|\}\.{0,2}(?:;|%3B)/i;

export type ParsedTemplate =
  | { readonly ok: true; readonly pieces: readonly Piece[]; readonly captureNames: readonly string[] }
  | { readonly ok: false; readonly message: string };

/**
 * Parses the path of a `rewrite` or `redirect`: `{name}` inserts a capture, anywhere; a final `/*` inserts what the `/*` of the
 * match took. The text between must be normalised, because what comes out is sent without being normalised again.
 */
export function parseTemplate(template: string): ParsedTemplate {
  if (!template.startsWith('/')) return { ok: false, message: 'a path begins with /' };
  const rest = template.endsWith('/*');
  const body = rest ? template.slice(0, -2) : template;
  if (body.includes('*')) return { ok: false, message: '* may only stand at the end, as /*' };
  const pieces: Piece[] = [];
  for (const part of body.split(/(\{[A-Za-z_][A-Za-z0-9_]*\})/)) {
    if (part === '') continue;
    if (part.startsWith('{') && part.endsWith('}')) pieces.push({ capture: part.slice(1, -1) });
    else if (/[{}]/.test(part))
      return { ok: false, message: `braces are for captures, such as {name}; ${part} is none` };
    else pieces.push({ text: part });
  }
  if (DOTS_BESIDE_CAPTURE.test(body)) {
    return {
      ok: false,
      message:
        'dots, a ; or a capture right beside a capture could make a dot segment; put other text between',
    };
  }
  const problem = body === '' ? undefined : spellingProblem(body, rest);
  if (problem !== undefined)
    return { ok: false, message: problem.replace('requests are matched', 'paths are sent') };
  if (rest) pieces.push({ capture: '*' });
  const captureNames = pieces.flatMap((piece) => ('capture' in piece ? [piece.capture] : []));
  return { ok: true, pieces, captureNames };
}

/** A rewritten path; begins with `/`. `captures` are those of the match, in the order of the entry's `captureNames`. */
export type Rewrite = (captures: readonly string[]) => string;

/**
 * Compiles the path of a `rewrite` or `redirect` for one entry of the router. What `/*` took keeps its slash: with `/api/*`
 * rewritten to `/v2/*`, `/api` gives `/v2`, `/api/` gives `/v2/`, `/api/x` gives `/v2/x`. An empty result is `/`.
 * Throws an Error for a template that `checkRoutes` refuses.
 */
export function compileRewrite(template: string, entryCaptureNames: readonly string[]): Rewrite {
  const parsed = parseTemplate(template);
  if (!parsed.ok) throw new Error(`${template}: ${parsed.message}`);
  // Texts and captures in turns: texts[0] captures[places[0]] texts[1] ...
  const texts: string[] = [''];
  const places: number[] = [];
  for (const piece of parsed.pieces) {
    if ('text' in piece) {
      texts[texts.length - 1] += piece.text;
      continue;
    }
    const place = entryCaptureNames.indexOf(piece.capture);
    if (place === -1) throw new Error(`${template}: the path does not capture ${written(piece.capture)}`);
    places.push(place);
    texts.push('');
  }
  if (places.length === 0) return () => template;
  return (captures) => {
    let path = texts[0] as string;
    for (let i = 0; i < places.length; i++)
      path += (captures[places[i] as number] ?? '') + (texts[i + 1] as string);
    return path === '' ? '/' : path;
  };
}

/** A capture as it is written in a path. */
export function written(captureName: string): string {
  return captureName === '*' ? '/*' : `{${captureName}}`;
}
