// A policy of one's own: it greets the caller in a field of the answer. The configuration names it by its path.
import { definePolicy, z } from 'portcullis/policy';

export const policy = definePolicy({
  name: 'greet',
  stage: 'transform',
  schema: z.strictObject({
    greeting: z
      .string()
      .regex(/^[!-~][ -~]*$/, 'is not plain text')
      .default('Hello')
      .describe('What is said before the name'),
  }),
  create({ greeting }) {
    // Runs when the configuration is loaded: what does not depend on the request is made here, once.
    const before = `${greeting}, `;
    return {
      onResponse(exchange) {
        const who = exchange.request.fields.get('x-name') ?? exchange.client.address;
        exchange.response.fields.set('x-greeting', `${before}${who}!`);
      },
    };
  },
});
