import { type Answer, definePolicy, type Exchange } from '../../policy/contract.ts';
import { requestSizeSchema } from './schema.ts';

/** RFC 9110 section 15.5.14. */
const TOO_LARGE: Answer = { status: 413, code: 'body_too_large' };

export const requestSizePolicy = definePolicy({
  name: 'request-size',
  stage: 'admission',
  unique: true,
  schema: requestSizeSchema,
  create({ max }) {
    if (max === 0) return {};
    return {
      onRequest(exchange: Exchange): Answer | undefined {
        const length = exchange.request.bodyLength;
        // A known length is judged before an octet of the body is read; an unknown one is counted as it comes.
        if (length > max) return TOO_LARGE;
        if (length < 0) exchange.limitRequestBody(max);
        return undefined;
      },
    };
  },
});
