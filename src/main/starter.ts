/** Files that `portcullis init` writes, by path within the directory. */
export const STARTER_FILES: Readonly<Record<string, string>> = {
  'portcullis.yaml': `# Portcullis configuration. Check it with: portcullis check
# See what a request does with: portcullis explain 'GET http://localhost:8080/hello/world'
# For completion in the editor: portcullis schema > portcullis.schema.json
# yaml-language-server: $schema=./portcullis.schema.json

# Where connections are accepted.
listeners:
  http:
    port: 8080

# What requests are sent to.
services:
  api:
    url: http://127.0.0.1:3000
    # targets: several instead of one url
    #   - url: http://10.0.0.1:3000
    #     weight: 2
    #   - url: http://10.0.0.2:3000
    timeouts:
      connect: 2s
      firstByte: 30s

# Policies of every route, before its own.
policies:
  - headers:
      response:
        set:
          x-content-type-options: nosniff

# Which request goes where. The most specific match wins; the order does not count.
routes:
  # Answered here, with no service behind it: try it at once.
  hello:
    match:
      methods: [GET]
      paths: ['/hello/{name}']
    policies:
      # A policy of your own: TypeScript, loaded as it is.
      - ./policies/greeting.ts:
          greeting: Hello
    respond:
      headers:
        content-type: text/plain; charset=utf-8
      body: "The gateway is up. See the x-greeting header.\\n"

  # Everything below /api/ goes to the service, without /api.
  api:
    match:
      paths: [/api/*]
    policies:
      - request-size:
          max: 1mb
    service: api
    rewrite:
      path: /*
`,
  'policies/greeting.ts': `import { definePolicy, z } from 'portcullis/policy';

/** Greets by name: a policy is its options, and hooks made from them. */
export const policy = definePolicy({
  name: 'greeting',
  stage: 'transform',
  schema: z.strictObject({
    greeting: z.string().min(1).describe('What comes before the name'),
  }),
  create({ greeting }) {
    return {
      onResponse(exchange) {
        // A capture of the route's path, still percent-encoded, so it is safe in a header.
        exchange.response.fields.set('x-greeting', \`\${greeting}, \${exchange.param('name') ?? 'stranger'}\`);
      },
    };
  },
});
`,
};
