/** Source of a policy `deadly` that ends the worker that is asked for it, in the middle of whatever it does. */
export const DEADLY = `
import { definePolicy, z } from 'portcullis/policy';
export const policy = definePolicy({
  name: 'deadly',
  stage: 'admission',
  schema: z.strictObject({}),
  create: () => ({ onRequest: () => process.exit(3) }),
});
`;
