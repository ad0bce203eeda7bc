/** What a provider of your own may import: `import { defineProvider, z } from 'portcullis/provider'`. */
export { z } from 'zod';
export {
  defineProvider,
  type ProviderContext,
  type ProviderDefinition,
  type ProviderRequest,
} from './definition.ts';
export {
  type GrantTokens,
  type LoginFlow,
  type Provider,
  ProviderRefused,
  ProviderUnavailable,
  type ProviderUser,
  RedemptionUnknown,
  type TokenExchange,
  type TokenRequest,
} from './provider.ts';
