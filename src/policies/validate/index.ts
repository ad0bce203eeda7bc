import { JsonReader } from '../../lib/json-reader.ts';
import {
  type Answer,
  definePolicy,
  type Exchange,
  type PolicyContext,
  type PolicyHooks,
} from '../../policy/contract.ts';
import { SchemaCompiler } from './compile-schema.ts';
import type { Checks } from './content-check.ts';
import { RequestCheck } from './request-check.ts';
import { ResponseCheck } from './response-check.ts';
import { type ValidateOptions, validateSchema } from './schema.ts';

const INVALID_RESPONSE: Answer = {
  status: 502,
  code: 'invalid_response',
  detail: 'The service gave an answer that is not as the description of this API says.',
};

/** Different faults of answers that are logged; what comes after is only counted. */
const MAX_TOLD = 50;

export const validatePolicy = definePolicy({
  name: 'validate',
  stage: 'validation',
  schema: validateSchema,
  create(options, context) {
    const checks: Checks = {
      compiler: new SchemaCompiler(options.definitions),
      definitions: options.definitions,
      json: new JsonReader(options.json),
      maxErrors: options.errors,
    };
    return {
      ...requestHooks(options, checks, context),
      ...(options.responses && responseHooks(options.responses, checks, context)),
    };
  },
});

function requestHooks(options: ValidateOptions, checks: Checks, context: PolicyContext): PolicyHooks {
  const check = new RequestCheck(options, checks);
  const reports = options.mode === 'report';
  const counted = (refusal: Answer | undefined): Answer | undefined => {
    if (refusal === undefined) return undefined;
    context.count(reports ? 'request_reported' : 'request_refused');
    return reports ? undefined : refusal;
  };
  const { body } = options;
  return {
    onRequest: (exchange) => counted(check.head(exchange)),
    ...(body && {
      onRequestBody: (exchange, octets) => counted(check.body(exchange, octets)),
      requestBodyBounds: { maxBytes: body.max, maxRatio: body.ratio },
    }),
  };
}

function responseHooks(
  options: NonNullable<ValidateOptions['responses']>,
  checks: Checks,
  context: PolicyContext,
): PolicyHooks {
  const check = new ResponseCheck(options, checks);
  const reports = options.mode === 'report';
  const told = new Set<string>();
  const judged = ({ request }: Exchange, fault: string | undefined): Answer | undefined => {
    if (fault === undefined) return undefined;
    context.count(reports ? 'response_reported' : 'response_refused');
    if (!told.has(fault) && told.size < MAX_TOLD) {
      told.add(fault);
      context.warn(
        `validate: an answer to ${request.method} on route ${context.route} is not as described: ${fault}`,
      );
    }
    return reports ? undefined : INVALID_RESPONSE;
  };
  return {
    onUpstreamResponse: (exchange) => judged(exchange, check.status(exchange)),
    onResponseBody: (exchange, body) => judged(exchange, check.body(exchange, body)),
    responseBodyBounds: { maxBytes: options.max, unchecked: reports ? 'pass' : 'refuse' },
  };
}
