import type { Provider } from '../providers/provider.ts';
import type { LoginPlace } from './login-place.ts';

/**
 * Where a provider sends browsers back to. Answers that say whose they are (RFC 9207) may all come to one address. Of the others at most one may:
 * a provider could have the browser bring the code of another to its own login, and be given that code (RFC 9700 section 4.4).
 */
export async function callbackPath({ sessions, path }: LoginPlace, provider: Provider): Promise<string> {
  const { sharedCallback, login } = sessions.config;
  const shares = provider.name === (sharedCallback ?? login[0]) || (await provider.namesItself?.()) === true;
  return `${path}/callback${shares ? '' : `/${provider.name}`}`;
}
