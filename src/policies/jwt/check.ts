import type { CheckContext, OptionProblem } from '../../policy/contract.ts';
import { checkProviders } from '../check-providers.ts';
import { isKeyProblem, keysOfIssuer, needsSecret } from './keys-of-issuer.ts';
import type { JwtOptions } from './schema.ts';

/** Providers that are not there, issuers that stand there twice or say nothing of audiences, and keys that are none. */
export function checkJwt(options: JwtOptions, context: CheckContext): readonly OptionProblem[] {
  const { provider, providers = [], issuers = [], algorithms } = options;
  return [
    ...(provider === undefined ? [] : checkProviders([provider], () => ['provider'], context)),
    ...checkProviders(providers, (index) => ['providers', index], context),
    ...(needsSecret(algorithms) && (provider !== undefined || providers.length > 0)
      ? [{ path: ['algorithms'], message: 'has one that needs a secret, and a provider has none' }]
      : []),
    ...issuers.flatMap((issuer, index): OptionProblem[] => {
      const path = ['issuers', index];
      if (issuers.findIndex((other) => other.issuer === issuer.issuer) < index)
        return [
          { path: [...path, 'issuer'], message: 'stands there twice: the `iss` of a token chooses one' },
        ];
      if (![issuer.audience, issuer.anyAudience, options.audience, options.anyAudience].some(Boolean))
        return [{ path, message: 'does not say whom tokens are for: write audience, or anyAudience: true' }];
      const keys = keysOfIssuer({ ...issuer, algorithms: issuer.algorithms ?? algorithms });
      return keys !== undefined && isKeyProblem(keys)
        ? [{ path: [...path, keys.place], message: keys.message }]
        : [];
    }),
  ];
}
