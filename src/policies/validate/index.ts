import { JsonReader } from '../../lib/json-reader.ts';
import {
  type Answer,
  definePolicy,
  type Exchange,
  type PolicyContext,
  type PolicyHooks,
} from '../../policy/contract.ts';
import { type Held, heldBy, hold } from '../../policy/held.ts';
import { SchemaCompiler } from './compile-schema.ts';
import type { BodyReading, Checks } from './content-check.ts';
import { RequestCheck } from './request-check.ts';
import { ResponseCheck } from './response-check.ts';
import { type ValidateOptions, validateSchema } from './schema.ts';

const INVALID_RESPONSE: Answer = {
  status: 502,
  code: 'invalid_response',
  detail: 'The service gave an answer that is not as the description of this API says.',
};

/** A body of unknown length may turn out to be none: one that is longer than this is not waited for. */
const UNDESCRIBED = { maxBytes: 16 * 1024 };

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

/** What has been read of a body that comes in pieces. */
interface Reading extends Held {
  readonly reading: BodyReading | undefined;
}

function requestHooks(options: ValidateOptions, checks: Checks, context: PolicyContext): PolicyHooks {
  const check = new RequestCheck(options, checks);
  const reports = options.mode === 'report';
  const owner = {};
  const counted = (exchange: Exchange, refusal: Answer | undefined): Answer | undefined => {
    if (refusal === undefined) return undefined;
    if (!reports) {
      context.count('request_refused');
      return refusal;
    }
    // It goes on, and its body may be wrong as well: it is one request all the same.
    if (heldBy(exchange, owner) !== undefined) return undefined;
    hold(exchange, { owner, next: undefined });
    context.count('request_reported');
    return undefined;
  };
  const { body } = options;
  const readings = {};
  const begin = (exchange: Exchange): Reading => {
    const held: Reading = { owner: readings, next: undefined, reading: check.reading(exchange) };
    hold(exchange, held);
    return held;
  };
  const onRequestBodyPart = (exchange: Exchange, octets: Buffer): Answer | undefined => {
    const { reading } = heldBy<Reading>(exchange, readings) ?? begin(exchange);
    return reading && counted(exchange, check.part(reading, octets));
  };
  const onRequestBody = (exchange: Exchange, octets: Buffer): Answer | undefined =>
    counted(exchange, check.body(exchange, octets, heldBy<Reading>(exchange, readings)?.reading));
  return {
    onRequest: (exchange) => counted(exchange, check.head(exchange)),
    ...(body !== undefined && {
      onRequestBody,
      ...(body !== false && { onRequestBodyPart }),
      requestBodyBounds: body === false ? UNDESCRIBED : { maxBytes: body.max, maxRatio: body.ratio },
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
