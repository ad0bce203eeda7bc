/** The Connection fields of a message, together (RFC 9110 section 7.6.1). */
export interface ConnectionOptions {
  close: boolean;
  keepAlive: boolean;
  upgrade: boolean;
  /** Fields that the sender meant for the next hop alone, in small letters. */
  names: string[];
}

const CLOSE: Readonly<ConnectionOptions> = { close: true, keepAlive: false, upgrade: false, names: [] };
const KEEP_ALIVE: Readonly<ConnectionOptions> = { close: false, keepAlive: true, upgrade: false, names: [] };
const TOKEN = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
/** OWS of RFC 9110 section 5.6.3. `trim` would also take away a no-break space, which is an octet of obs-text. */
const WHITE_SPACE = /^[\t ]+|[\t ]+$/g;

/** Reads one Connection field, adding to those before it. undefined when it is no list of tokens. */
export function parseConnection(value: string, before?: ConnectionOptions): ConnectionOptions | undefined {
  if (before === undefined) {
    if (value === 'keep-alive' || value === 'Keep-Alive') return KEEP_ALIVE;
    if (value === 'close') return CLOSE;
  }
  const options: ConnectionOptions = before
    ? { ...before, names: before.names.slice() }
    : { close: false, keepAlive: false, upgrade: false, names: [] };
  for (const part of value.toLowerCase().split(',')) {
    const token = part.replace(WHITE_SPACE, '');
    if (token === '') continue;
    if (!TOKEN.test(token)) return undefined;
    if (token === 'close') options.close = true;
    else if (token === 'keep-alive') options.keepAlive = true;
    else if (token === 'upgrade') options.upgrade = true;
    else options.names.push(token);
  }
  return options;
}
