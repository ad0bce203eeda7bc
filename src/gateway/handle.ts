import type { Fields } from '../http/fields.ts';
import type { Answer } from '../policy/contract.ts';
import type { Service } from '../upstream/service.ts';
import { answer, answerOfPolicy, failPolicy, failUnsendable, isPending, refuse } from './answer.ts';
import { chooseService } from './choose-service.ts';
import type { Exchange, GatewayRequest } from './exchange.ts';
import { Forward } from './forward.ts';
import { answerLogin } from './login.ts';
import { openCopy } from './mirror-copy.ts';
import { dropFraming, isSendable } from './own-fields.ts';
import { RequestBodyCheck } from './request-body-check.ts';

/**
 * The life of a request, from its head to the moment when something answers it:
 *
 * 1. route it
 * 2. run the request hooks of its policies, stage by stage; any of them may answer. Where one wants to see the body, it is collected
 *    when its turn comes (request-body-check.ts)
 * 3. do what the route does: answer, redirect, answer with a page of a login (login.ts), or forward to a service (forward.ts)
 *
 * The way back (answer.ts) runs the answer's hooks and sends it; however it ends, finish.ts records it.
 */
export function handle(exchange: Exchange): void {
  const { request, snapshot } = exchange;
  // Before anything looks at them: neither a route nor a policy takes a client's word for who it is.
  snapshot.identityFields?.strip(request.fields);

  const entry = isForGateway(request) ? undefined : snapshot.router.match(request, exchange.captures);
  if (entry !== undefined) {
    exchange.route = entry.value;
    exchange.captureNames = entry.captureNames;
  }
  prepareUpstreamTarget(exchange);
  runRequestHooks(exchange, 0);
}

/** Whether no route takes it: it ends here, behind the policies of every route. */
function isForGateway(request: GatewayRequest): boolean {
  // RFC 9110 section 9.3.8: what a service echoes must not be told what the gateway adds for it alone, such as credentials.
  return request.method === 'TRACE' || (request.method === 'OPTIONS' && isOptionsForGateway(request));
}

/** RFC 9110 sections 9.3.7 and 7.6.2: whoever is asked with `*`, or receives the last of Max-Forwards, answers instead of passing on. */
function isOptionsForGateway({ path, fields }: GatewayRequest): boolean {
  return path === '*' || forwardsLeft(fields) === 0;
}

/** undefined: as many as it takes. */
function forwardsLeft(fields: Fields): number | undefined {
  const value = fields.get('max-forwards');
  return value !== undefined && /^\d{1,9}$/.test(value) ? Number(value) : undefined;
}

function countForward(fields: Fields): void {
  const left = forwardsLeft(fields);
  if (left !== undefined) fields.set('max-forwards', String(left - 1));
}

/** The route's own rewriting comes before the policies, which may change its result. */
function prepareUpstreamTarget(exchange: Exchange): void {
  const { request, route } = exchange;
  const action = route.action;
  const rewrite = action.kind === 'service' || action.kind === 'split' ? action.rewrite : undefined;
  if (route.prefixLength > 0) request.upstreamPath = request.path.slice(route.prefixLength) || '/';
  else if (rewrite !== undefined)
    request.upstreamPath = rewrite.for(exchange.captureNames)(exchange.captures);
  request.upstreamHost = route.upstreamHost;
}

function runRequestHooks(exchange: Exchange, from: number): void {
  const { onRequest: entries, bodyAt } = exchange.route.policies;
  for (let i = from; i < entries.length; i++) {
    if (i === bodyAt && isBodyAwaited(exchange)) return checkBody(exchange);
    const entry = entries[i] as (typeof entries)[number];
    let result: ReturnType<typeof entry.hooks.onRequest>;
    try {
      result = entry.hooks.onRequest(exchange);
    } catch (error) {
      return failPolicy(exchange, entry.name, error);
    }
    if (result === undefined) continue;
    if (isPending(result)) {
      void awaitRequestHook(exchange, i, result);
      return;
    }
    return answerOfPolicy(exchange, entry.name, result);
  }
  if (bodyAt === entries.length && isBodyAwaited(exchange)) return checkBody(exchange);
  dispatch(exchange);
}

/** The policies have not seen it yet. */
function isBodyAwaited({ request, bodySource, downstream }: Exchange): boolean {
  return request.bodyLength !== 0 && bodySource === downstream;
}

function checkBody(exchange: Exchange): void {
  new RequestBodyCheck(exchange, runHooksBehindBody).start();
}

function runHooksBehindBody(exchange: Exchange): void {
  runRequestHooks(exchange, exchange.route.policies.bodyAt);
}

/** Only a policy that returns a promise pays for one. */
async function awaitRequestHook(
  exchange: Exchange,
  at: number,
  pending: PromiseLike<Answer | undefined | void>,
): Promise<void> {
  const policy = exchange.route.policies.onRequest[at]?.name ?? '';
  try {
    const result = await pending;
    if (exchange.ended) return;
    if (result === undefined) runRequestHooks(exchange, at + 1);
    else answerOfPolicy(exchange, policy, result);
  } catch (error) {
    failPolicy(exchange, policy, error);
  }
  exchange.downstream.flush();
}

function dispatch(exchange: Exchange): void {
  const { action, policies } = exchange.route;
  if (exchange.request.bodyLength > exchange.bodyLimit) return refuse(exchange, 'body_too_large');
  if (policies.all.length > 0 && action.kind !== 'none') {
    // Here already, so that no upstream is bothered.
    if (!isSendable(exchange.request)) return failUnsendable(exchange);
    dropFraming(exchange.request.fields);
  }
  switch (action.kind) {
    case 'service':
      return forwardTo(exchange, action.service);
    case 'split':
      return forwardTo(exchange, action.services.get(chooseService(exchange, action.choice)));
    case 'respond':
      return answer(exchange, action.answer);
    case 'redirect':
      return redirect(
        exchange,
        action.status,
        action.location.for(exchange.captureNames)(exchange.request, exchange.captures),
      );
    case 'login':
      return answerLogin(exchange, action.pages);
    case 'none':
      return answerUnrouted(exchange);
  }
}

function forwardTo(exchange: Exchange, service: Service | undefined): void {
  if (service === undefined) return refuse(exchange, 'no_target');
  if (exchange.request.method === 'OPTIONS') countForward(exchange.request.fields);
  // Policies have seen them.
  exchange.snapshot.ownCredentials?.takeOff(exchange.request.fields);
  const { mirror } = exchange.route;
  const copy = mirror === undefined ? undefined : openCopy(mirror, exchange);
  new Forward(exchange, service).start();
  copy?.send(exchange);
}

function redirect(exchange: Exchange, status: number, location: string | undefined): void {
  if (location === undefined)
    return refuse(exchange, 'bad_request', 'Without Host there is nowhere to send the request.');
  answer(exchange, { status, headers: { Location: location } });
}

/** What is answered about the gateway itself. */
const OWN_METHODS = { Allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' };
const OWN_OPTIONS: Answer = { status: 204, headers: OWN_METHODS };

function answerUnrouted(exchange: Exchange): void {
  const { request, snapshot } = exchange;
  if (request.method === 'TRACE') return refuse(exchange, 'method_not_allowed', undefined, OWN_METHODS);
  if (request.method === 'OPTIONS' && isOptionsForGateway(request)) return answer(exchange, OWN_OPTIONS);
  const allowed = snapshot.router.allowedMethods(request);
  if (allowed.length === 0) return refuse(exchange, 'route_not_found');
  // RFC 9110 section 15.5.6: a 405 MUST name what is allowed.
  refuse(exchange, 'method_not_allowed', undefined, { Allow: allowed.join(', ') });
}
