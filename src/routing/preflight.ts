import type { RoutedRequest } from './types.ts';

/**
 * The method on whose behalf a CORS preflight asks (Fetch standard, section "HTTP requests"), or undefined for any other request.
 * Where no route takes the OPTIONS itself, a preflight belongs to the route of that method.
 */
export function preflightMethod({
  method,
  fields,
}: Pick<RoutedRequest, 'method' | 'fields'>): string | undefined {
  if (method !== 'OPTIONS' || fields.get('origin') === undefined) return undefined;
  return fields.get('access-control-request-method');
}
