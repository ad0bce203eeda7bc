/** Whether a path has a segment `.` or `..`, encoded or not: an upstream that resolves it would leave the path that was checked. */
export function hasDotSegment(path: string): boolean {
  for (let start = 0; start <= path.length; ) {
    const slash = path.indexOf('/', start);
    const end = slash < 0 ? path.length : slash;
    if (isDotSegment(path, start, end)) return true;
    start = end + 1;
  }
  return false;
}

function isDotSegment(path: string, start: number, end: number): boolean {
  let dots = 0;
  for (let i = start; i < end; dots++) {
    if (path[i] === '.') i++;
    else if (path[i] === '%' && path[i + 1] === '2' && (path[i + 2] === 'e' || path[i + 2] === 'E')) i += 3;
    else return false;
    if (dots === 2) return false;
  }
  return dots > 0;
}

/** Replaces the beginning of a path, by whole segments; a path that does not begin so stays. */
export class PrefixReplacement {
  readonly #from: string;
  readonly #to: string;

  /** Both with or without a slash at the end; `/` stands for no prefix at all. */
  constructor(from: string, to: string) {
    this.#from = withoutLastSlash(from);
    this.#to = withoutLastSlash(to);
  }

  apply(path: string): string {
    const from = this.#from;
    if (!path.startsWith(from)) return path;
    if (path.length > from.length && path[from.length] !== '/') return path;
    const replaced = this.#to + path.slice(from.length);
    // Two slashes at the beginning would be read as the start of a host (RFC 3986 section 4.2).
    return oneSlashFirst(replaced === '' ? '/' : replaced);
  }
}

function withoutLastSlash(text: string): string {
  return text.endsWith('/') ? text.slice(0, -1) : text;
}

export function oneSlashFirst(path: string): string {
  let slashes = 0;
  while (path[slashes] === '/') slashes++;
  return slashes > 1 ? path.slice(slashes - 1) : path;
}
