import { z } from 'zod';
import type { Endpoint } from '../endpoint.ts';
import { ENDPOINTS } from '../endpoints.ts';
import { ACCOUNT_ENDPOINTS } from './accounts/endpoints.ts';
import { APPLY } from './apply.ts';
import { COMPARE } from './compare.ts';
import { CREDENTIALS } from './credentials.ts';
import { DOCS } from './docs-page.ts';
import { entityEndpoints } from './entities.ts';
import { EXPORT } from './export.ts';
import { FILE } from './file.ts';
import { HISTORY } from './history.ts';
import { STATUS } from './status.ts';

/** The endpoints of `/v1` and `/docs`. */
export function apiEndpoints(): readonly Endpoint[] {
  const endpoints: readonly Endpoint[] = [
    describe(() => all),
    ...entityEndpoints(),
    ...CREDENTIALS,
    APPLY,
    ...COMPARE,
    ...FILE,
    EXPORT,
    ...HISTORY,
    ...STATUS,
    ...ACCOUNT_ENDPOINTS,
    ...DOCS,
  ];
  const all = [...ENDPOINTS, ...endpoints];
  return endpoints;
}

/** Made when it is asked for first: it takes about a tenth of a second. */
function describe(all: () => readonly Endpoint[]): Endpoint {
  const documents = new Map<boolean, Promise<string>>();
  return {
    method: 'GET',
    path: '/v1/openapi.json',
    summary: 'This API as an OpenAPI 3.1 document',
    access: 'public',
    answers: { 200: { description: 'The document', shape: z.looseObject({ openapi: z.string() }) } },
    async answer({ version, rights }) {
      const isOpen = rights?.authentication === undefined;
      let document = documents.get(isOpen);
      if (document === undefined) {
        document = import('./openapi.ts').then(({ openApiDocument }) =>
          JSON.stringify(openApiDocument(all(), { version, isOpen })),
        );
        documents.set(isOpen, document);
      }
      return { status: 200, type: 'application/json', body: await document };
    },
  };
}
