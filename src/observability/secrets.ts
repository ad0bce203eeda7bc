/** Request and response fields that carry a credential, beside those that a word in their name gives away. */
const SECRET_FIELDS = new Set([
  'authentication-info',
  'authorization',
  'cf-access-jwt-assertion',
  'dpop',
  'proxy-authentication-info',
  'proxy-authorization',
  'sec-websocket-protocol', // browsers have no other place for a bearer token on a WebSocket
  'x-amz-signature',
  'x-api-key',
  'x-auth',
  'x-authorization',
  'x-functions-key',
  'x-goog-iap-jwt-assertion',
  'x-hub-signature',
  'x-hub-signature-256',
]);

const SECRET_WORDS = new Set([
  'apikey', 'assertion', 'authorization', 'cookie', 'cookie2', 'credential', 'credentials', 'jwt', 'passwd', 'password', 'secret',
  'session', 'sessionid', 'token',
]); // biome-ignore format: a list of words

/** Names of query parameters whose values are secrets (RFC 6749, RFC 7523, signed URLs, and common use). */
const SECRET_PARAMETERS = new Set([
  'access_token', 'api-key', 'api_key', 'apikey', 'assertion', 'auth', 'client_assertion', 'client_secret', 'code', 'code_verifier',
  'credential', 'id_token', 'id_token_hint', 'jwt', 'key', 'password', 'passwd', 'pwd', 'refresh_token', 'saml_response', 'samlresponse',
  'secret', 'session', 'sessionid', 'sig', 'signature', 'state', 'subject_token', 'actor_token', 'ticket', 'token', 'x-amz-credential',
  'x-amz-security-token', 'x-amz-signature', 'x-goog-credential', 'x-goog-signature',
]); // biome-ignore format: a list of words

const HIDDEN = '***';
/** A parameter's name is looked at no further than this; the longest secret name is far shorter, even percent-encoded. */
const MAX_NAME_CHARS = 128;

/**
 * Whether a field's value must never be logged: credentials, cookies, keys. By name in any case, and by the words in it, so
 * that `X-Acme-Token` is refused without being listed.
 */
export function isSecretField(name: string): boolean {
  const lower = name.toLowerCase();
  if (SECRET_FIELDS.has(lower)) return true;
  const words = lower.split(/[-_.]/);
  return words.some((word, i) => SECRET_WORDS.has(word) || (word === 'api' && words[i + 1] === 'key'));
}

/**
 * The query with the values of secret parameters replaced by `***`: those that are known to be, and those of `more`, in small letters. Names are
 * compared in any case, percent-decoded, and without a suffix in brackets. `;` counts as a separator too, as some servers read it so; the
 * worst that does is hide more.
 */
export function redactQuery(search: string, more?: ReadonlySet<string>): string {
  let out = '';
  let copied = 0;
  let at = 0;
  while (at < search.length) {
    let end = at;
    let equals = -1;
    for (; end < search.length; end++) {
      const c = search.charCodeAt(end);
      if (c === 0x26 /* & */ || c === 0x3b /* ; */ || c === 0x3f /* ? */ || c === 0x23 /* # */) break;
      if (c === 0x3d /* = */ && equals === -1) equals = end;
    }
    if (equals !== -1 && equals + 1 < end && isSecretParameter(search.slice(at, equals), more)) {
      out += search.slice(copied, equals + 1) + HIDDEN;
      copied = end;
    }
    at = end + 1;
  }
  return copied === 0 ? search : out + search.slice(copied);
}

/** A URL, such as a Referer's, with user info and secret parameters of query and fragment hidden. */
export function redactUrl(url: string): string {
  let prefix = '';
  let rest = url;
  const authority = url.indexOf('//');
  if (authority !== -1) {
    const start = authority + 2;
    let end = start;
    while (end < url.length && !'/?#'.includes(url[end] as string)) end++;
    const at = url.lastIndexOf('@', end - 1);
    if (at >= start) {
      prefix = `${url.slice(0, start)}${HIDDEN}`;
      rest = url.slice(at);
    }
  }
  const query = rest.search(/[?#]/);
  return query === -1 ? prefix + rest : prefix + rest.slice(0, query) + redactQuery(rest.slice(query));
}

/** Whether the value of a query parameter is a secret, by its name; `more` are such names too, in small letters. */
export function isSecretParameter(raw: string, more?: ReadonlySet<string>): boolean {
  if (raw.length > MAX_NAME_CHARS) return false;
  let name = raw;
  if (name.includes('%')) {
    try {
      name = decodeURIComponent(name);
    } catch {
      // Not valid UTF-8: not a name that any server would read as one of ours.
    }
  }
  const bracket = name.indexOf('[');
  if (bracket > 0) name = name.slice(0, bracket);
  const lower = name.trim().toLowerCase();
  return SECRET_PARAMETERS.has(lower) || more?.has(lower) === true;
}
