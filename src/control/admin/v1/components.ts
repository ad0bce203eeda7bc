import type { Collection } from '../../store/entity.ts';

const COMPONENTS: Readonly<Record<Collection, string>> = {
  organizations: 'Organization',
  certificates: 'Certificate',
  lists: 'AddressList',
  providers: 'Provider',
  sessions: 'Session',
  plans: 'Plan',
  consumers: 'Consumer',
  services: 'Service',
  functions: 'Function',
  routes: 'Route',
  apis: 'Api',
  policies: 'Policy',
};

/** What one entity of a collection is called among the schemas of the OpenAPI document. */
export function componentOf(collection: Collection): string {
  return COMPONENTS[collection];
}
