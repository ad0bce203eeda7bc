/** What a policy of your own may import: `import { definePolicy, z } from 'portcullis/policy'`. */
export { z } from 'zod';
export { Fields } from '../http/fields.ts';
export type { Load } from '../lib/load-gauge.ts';
export { duration, size } from '../lib/units.ts';
export {
  type AddressList,
  type Answer,
  type BodyBounds,
  type BodyTransform,
  type CheckContext,
  type ClientCertificate,
  type ClientView,
  definePolicy,
  type Exchange,
  type OptionProblem,
  type Policy,
  type PolicyContext,
  type PolicyHooks,
  type RequestView,
  type ResponseView,
  STAGES,
  type Stage,
} from './contract.ts';
export type { Principal } from './principal.ts';
export { compileTemplate, Template, TemplateError, template } from './template.ts';
export { type UserToken, type UserTokens, userTokens } from './user-tokens.ts';
