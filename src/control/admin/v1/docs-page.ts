import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { type AdminAnswer, problem } from '../answer.ts';
import type { Endpoint } from '../endpoint.ts';

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width">
    <title>Portcullis admin API</title>
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="icon" href="data:,">
  </head>
  <body>
    <main id="docs"></main>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/start.js"></script>
  </body>
</html>
`;

/** Nothing of it asks another host: not even the validator that Swagger UI would ask about the document. */
const START = `window.ui = SwaggerUIBundle({
  url: '/v1/openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  docExpansion: 'none',
  defaultModelsExpandDepth: -1,
  defaultModelRendering: 'model',
  displayRequestDuration: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
`;

const HTML = 'text/html; charset=utf-8';
const CSS = 'text/css; charset=utf-8';
const JAVASCRIPT = 'text/javascript; charset=utf-8';

/** The page may load and ask what is here, and nothing else; nobody may put it into a frame. */
const PAGE_FIELDS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
};
/** A file of a package changes with the gateway only. */
const FILE_FIELDS = { 'cache-control': 'private, max-age=3600' };

/** Swagger UI as a package has it that adds nothing which reports home. */
const FILES = new Map<string, () => AdminAnswer | Promise<AdminAnswer>>([
  ['swagger-ui.css', () => file(import.meta.resolve('@fastify/swagger-ui/static/swagger-ui.css'), CSS)],
  [
    'swagger-ui-bundle.js',
    () => file(import.meta.resolve('@fastify/swagger-ui/static/swagger-ui-bundle.js'), JAVASCRIPT),
  ],
  ['start.js', () => ({ status: 200, type: JAVASCRIPT, body: START, headers: FILE_FIELDS })],
]);

/** The API to be read and tried in a browser. */
export const DOCS: readonly Endpoint[] = [
  {
    method: 'GET',
    path: '/docs',
    summary: 'This API, to be read and tried in a browser',
    access: 'public',
    answers: { 200: { description: 'A page', types: ['text/html'] } },
    answer: () => ({ status: 200, type: HTML, body: PAGE, headers: PAGE_FIELDS }),
  },
  {
    method: 'GET',
    path: '/docs/{file}',
    summary: 'What that page is made of',
    access: 'public',
    parameters: z.strictObject({ file: z.enum([...FILES.keys()]) }),
    answers: { 200: { description: 'A script or a style sheet', types: ['text/javascript', 'text/css'] } },
    answer: (_gateway, { parameters }) =>
      FILES.get(parameters['file'] ?? '')?.() ?? problem(404, 'not_found', 'There is no such file'),
  },
];

async function file(url: string, type: string): Promise<AdminAnswer> {
  return { status: 200, type, body: await readFile(fileURLToPath(url)), headers: FILE_FIELDS };
}
