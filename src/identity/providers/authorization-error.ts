import { ProviderRefused, ProviderUnavailable } from './provider.ts';

/** What a browser came back with instead of a code (RFC 6749 section 4.1.2.1): anybody may have written it. */
export function answeredWith(code: string): ProviderRefused | ProviderUnavailable {
  const message = `the provider answered ${shown(code)}`;
  const isOutage = code === 'server_error' || code === 'temporarily_unavailable';
  return isOutage ? new ProviderUnavailable(message) : new ProviderRefused(shown(code), message);
}

/** A code of an error without what a log or a page could be confused by. */
export function shown(code: string): string {
  return code.replaceAll(/[^\w.-]/g, '?').slice(0, 100);
}
